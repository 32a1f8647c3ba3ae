-- +goose Up
-- Certificates that ended long ago, each with its revocation and without its key. No certificate gets a serial again that is here. The id is that
-- of the certificate. client is the record of its client as JSON, in the row of the client's last certificate; empty in all others.
CREATE TABLE archived_certificates (
    id             integer  PRIMARY KEY,
    ca_id          integer  NOT NULL CONSTRAINT archived_certificates_ca REFERENCES cas (id),
    client_id      integer , -- NULL: it had none
    kind           text     NOT NULL,
    name           text     NOT NULL,
    name_key       text     NOT NULL,
    serial         text     NOT NULL,
    fingerprint    text     NOT NULL,
    key_algorithm  text     NOT NULL,
    not_before     datetime NOT NULL,
    not_after      datetime NOT NULL,
    der            blob NOT NULL,
    superseded_at  datetime,
    revoked_at     datetime, -- NULL: it was not
    reason         integer NOT NULL,
    invalid_since  datetime,
    created_at     datetime NOT NULL,
    archived_at    datetime NOT NULL,
    client         text NOT NULL
);
CREATE UNIQUE INDEX archived_certificates_serial ON archived_certificates (serial, ca_id);
CREATE INDEX archived_certificates_ca_id ON archived_certificates (ca_id, id);
CREATE INDEX archived_certificates_name_key ON archived_certificates (name_key, id);
CREATE INDEX archived_certificates_fingerprint ON archived_certificates (fingerprint, id);

-- +goose Down
-- The schema before has no place for them, and their serials would be free.
CREATE TABLE unsaid (certificates integer CONSTRAINT certificates_of_schema_47 CHECK (certificates = 0));
INSERT INTO unsaid SELECT count(*) FROM archived_certificates;
DROP TABLE unsaid;
DROP TABLE archived_certificates;
