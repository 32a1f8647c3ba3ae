-- +goose Up
-- The Idempotency-Keys of requests of the api dialect. result is sealed: the digest of the request, and what it gave. Empty: its transaction goes on.
CREATE TABLE request_keys (
    caller_kind text        NOT NULL COLLATE "C",
    caller_id   bigint      NOT NULL,
    value       text        NOT NULL COLLATE "C",
    at          timestamptz NOT NULL,
    result      bytea       NOT NULL,
    PRIMARY KEY (caller_kind, caller_id, value)
);
CREATE INDEX request_keys_at ON request_keys (at);

-- +goose Down
DROP TABLE request_keys;
