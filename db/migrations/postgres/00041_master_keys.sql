-- +goose Up
-- The versions of the master key that have sealed values of this database. The highest one seals. The keys themselves are not here.
CREATE TABLE master_keys (
    version     bigint      PRIMARY KEY CONSTRAINT master_keys_version CHECK (version > 0),
    fingerprint text        NOT NULL,
    since       timestamptz NOT NULL, -- when it began to seal
    remaining   bigint,               -- values under earlier versions, as they were counted last; NULL: not counted
    ended_at    timestamptz           -- when no value was under an earlier version; NULL: the rotation has not ended
);

-- The server processes, and the master keys that they have.
CREATE TABLE master_key_holders (
    id      text        PRIMARY KEY,
    name    text        NOT NULL, -- for the operator: the host and the process
    keys    text        NOT NULL, -- version:fingerprint of each, with a blank between two
    sealing bigint      NOT NULL, -- the version that it seals with
    seen_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE master_key_holders;
DROP TABLE master_keys;
