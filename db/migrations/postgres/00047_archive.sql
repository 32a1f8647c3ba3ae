-- +goose Up
-- Certificates that ended long ago, each with its revocation and without its key. No certificate gets a serial again that is here. The id is that
-- of the certificate. client is the record of its client as JSON, in the row of the client's last certificate; empty in all others.
CREATE TABLE archived_certificates (
    id             bigint   PRIMARY KEY,
    ca_id          bigint   NOT NULL CONSTRAINT archived_certificates_ca REFERENCES cas (id),
    client_id      bigint  , -- NULL: it had none
    kind           text     NOT NULL,
    name           text     NOT NULL,
    name_key       text     NOT NULL COLLATE "C",
    serial         text     NOT NULL COLLATE "C",
    fingerprint    text     NOT NULL COLLATE "C",
    key_algorithm  text     NOT NULL,
    not_before     timestamptz NOT NULL,
    not_after      timestamptz NOT NULL,
    der            bytea NOT NULL,
    superseded_at  timestamptz,
    revoked_at     timestamptz, -- NULL: it was not
    reason         bigint NOT NULL,
    invalid_since  timestamptz,
    created_at     timestamptz NOT NULL,
    archived_at    timestamptz NOT NULL,
    client         text NOT NULL
);
CREATE UNIQUE INDEX archived_certificates_serial ON archived_certificates (serial, ca_id);
CREATE INDEX archived_certificates_ca_id ON archived_certificates (ca_id, id);
CREATE INDEX archived_certificates_name_key ON archived_certificates (name_key, id);
CREATE INDEX archived_certificates_fingerprint ON archived_certificates (fingerprint, id);

-- +goose Down
-- The schema before has no place for them, and their serials would be free.
CREATE TABLE unsaid (certificates bigint CONSTRAINT certificates_of_schema_47 CHECK (certificates = 0));
INSERT INTO unsaid SELECT count(*) FROM archived_certificates;
DROP TABLE unsaid;
DROP TABLE archived_certificates;
