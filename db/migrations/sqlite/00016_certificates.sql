-- +goose Up
-- Certificates are records of their own. A client has one in force, the newest, and those before it; a certificate of another kind has no client.
CREATE TABLE certificates_of_16 (
    id            integer PRIMARY KEY AUTOINCREMENT,
    ca_id         integer  NOT NULL CONSTRAINT certificates_ca REFERENCES cas (id),
    client_id     integer  CONSTRAINT certificates_client REFERENCES clients (id),
    kind          text     NOT NULL,
    name          text     NOT NULL,
    name_key      text     NOT NULL,
    serial        text     NOT NULL,
    fingerprint   text     NOT NULL, -- of der, SHA-256 in lower-case hex; empty: not computed yet
    key_algorithm text     NOT NULL,
    not_before    datetime NOT NULL,
    not_after     datetime NOT NULL,
    der           blob     NOT NULL,
    sealed_key    blob,              -- NULL: the key is not kept here
    key_protected boolean  NOT NULL,
    superseded_at datetime,          -- when it is to be revoked as superseded
    revoked_at    datetime,
    reason        integer  NOT NULL DEFAULT 0, -- of the revocation (RFC 5280, section 5.3.1)
    created_at    datetime NOT NULL
);
INSERT INTO certificates_of_16
    SELECT t.id, t.ca_id, t.client_id, 'client', c.name, c.name_key, t.serial, '', '', t.not_before, t.not_after, t.der, t.sealed_key, t.key_protected,
        NULL, r.revoked_at, COALESCE(r.reason, 0), t.created_at
    FROM certificates t JOIN clients c ON c.id = t.client_id LEFT JOIN revocations r ON r.ca_id = t.ca_id AND r.serial = t.serial;
DROP TABLE certificates;
ALTER TABLE certificates_of_16 RENAME TO certificates;
CREATE UNIQUE INDEX certificates_serial ON certificates (serial, ca_id);
CREATE INDEX certificates_client_id ON certificates (client_id, id);
CREATE INDEX certificates_ca_id ON certificates (ca_id, id);
CREATE INDEX certificates_name_key ON certificates (name_key, id);
CREATE INDEX certificates_fingerprint ON certificates (fingerprint, id);
CREATE INDEX certificates_not_after ON certificates (not_after, id);
CREATE INDEX certificates_superseded ON certificates (superseded_at) WHERE superseded_at IS NOT NULL AND (revoked_at IS NULL OR reason = 6);
CREATE INDEX certificates_revoked ON certificates (id) WHERE revoked_at IS NOT NULL;

-- What a list of clients tells of the certificate in force.
ALTER TABLE clients ADD COLUMN serial text NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN fingerprint text NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN key_algorithm text NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN key_protected boolean NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN not_before datetime;
ALTER TABLE clients ADD COLUMN reason integer NOT NULL DEFAULT 0;
-- The name_key as long as no other client may have the name; NULL: it is free.
ALTER TABLE clients ADD COLUMN held_name text;
UPDATE clients SET held_name = CASE WHEN clients.revoked_at IS NULL OR t.reason = 6 THEN clients.name_key END,
    serial = COALESCE(t.serial, ''), key_protected = COALESCE(t.key_protected, 0), not_before = t.not_before, reason = COALESCE(t.reason, 0)
    FROM (SELECT id AS client FROM clients) AS c LEFT JOIN certificates t
        ON t.id = (SELECT max(id) FROM certificates WHERE client_id = c.client)
    WHERE clients.id = c.client;
DROP INDEX clients_name_key;
CREATE INDEX clients_name_key ON clients (name_key, id);
CREATE UNIQUE INDEX clients_held_name ON clients (held_name) WHERE held_name IS NOT NULL;
CREATE INDEX clients_expires_at ON clients (expires_at, id);

-- A revocation may change: a suspended certificate is resumed, or revoked for good. It then gets the next epoch.
ALTER TABLE revocations ADD COLUMN invalid_since datetime;
ALTER TABLE revocations ADD COLUMN changed boolean NOT NULL DEFAULT 0;

-- +goose Down
-- What the schema before can't say: a certificate that was resumed would keep its CA from signing lists, one that is to be revoked would stay valid, and
-- invalidity dates would be lost.
CREATE TABLE unsaid (certificates bigint CONSTRAINT certificates_of_schema_15 CHECK (certificates = 0));
INSERT INTO unsaid SELECT count(*) FROM revocations WHERE changed AND reason = 8 OR invalid_since IS NOT NULL;
INSERT INTO unsaid SELECT count(*) FROM certificates WHERE superseded_at IS NOT NULL AND (revoked_at IS NULL OR reason = 6);
DROP TABLE unsaid;
ALTER TABLE revocations DROP COLUMN changed;
ALTER TABLE revocations DROP COLUMN invalid_since;
DROP INDEX clients_expires_at;
DROP INDEX clients_held_name;
DROP INDEX clients_name_key;
ALTER TABLE clients DROP COLUMN held_name;
ALTER TABLE clients DROP COLUMN reason;
ALTER TABLE clients DROP COLUMN not_before;
ALTER TABLE clients DROP COLUMN key_protected;
ALTER TABLE clients DROP COLUMN key_algorithm;
ALTER TABLE clients DROP COLUMN fingerprint;
ALTER TABLE clients DROP COLUMN serial;
CREATE UNIQUE INDEX clients_name_key ON clients (name_key);
CREATE TABLE certificates_before_16 (
    id            integer PRIMARY KEY AUTOINCREMENT,
    ca_id         integer  NOT NULL CONSTRAINT certificates_ca REFERENCES cas (id),
    client_id     integer  NOT NULL CONSTRAINT certificates_client REFERENCES clients (id),
    serial        text     NOT NULL,
    not_before    datetime NOT NULL,
    not_after     datetime NOT NULL,
    der           blob     NOT NULL,
    sealed_key    blob     NOT NULL,
    key_protected boolean  NOT NULL,
    created_at    datetime NOT NULL
);
INSERT INTO certificates_before_16
    SELECT id, ca_id, client_id, serial, not_before, not_after, der, sealed_key, key_protected, created_at FROM certificates;
DROP TABLE certificates;
ALTER TABLE certificates_before_16 RENAME TO certificates;
CREATE UNIQUE INDEX certificates_serial ON certificates (ca_id, serial);
CREATE INDEX certificates_client_id ON certificates (client_id, id);
