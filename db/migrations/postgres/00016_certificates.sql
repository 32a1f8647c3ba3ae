-- +goose Up
-- Certificates are records of their own. A client has one in force, the newest, and those before it; a certificate of another kind has no client.
ALTER TABLE certificates ALTER COLUMN client_id DROP NOT NULL;
ALTER TABLE certificates ALTER COLUMN sealed_key DROP NOT NULL; -- NULL: the key is not kept here
ALTER TABLE certificates ADD COLUMN kind text NOT NULL DEFAULT 'client';
ALTER TABLE certificates ADD COLUMN name text NOT NULL DEFAULT '';
ALTER TABLE certificates ADD COLUMN name_key text NOT NULL DEFAULT '' COLLATE "C";
ALTER TABLE certificates ADD COLUMN fingerprint text NOT NULL DEFAULT '' COLLATE "C"; -- of der, SHA-256 in lower-case hex; empty: not computed yet
ALTER TABLE certificates ADD COLUMN key_algorithm text NOT NULL DEFAULT '';
ALTER TABLE certificates ADD COLUMN superseded_at timestamptz; -- when it is to be revoked as superseded
ALTER TABLE certificates ADD COLUMN revoked_at timestamptz;
ALTER TABLE certificates ADD COLUMN reason bigint NOT NULL DEFAULT 0; -- of the revocation (RFC 5280, section 5.3.1)
UPDATE certificates SET name = c.name, name_key = c.name_key FROM clients c WHERE c.id = certificates.client_id;
UPDATE certificates SET revoked_at = r.revoked_at, reason = r.reason FROM revocations r
    WHERE r.ca_id = certificates.ca_id AND r.serial = certificates.serial;
ALTER TABLE certificates ALTER COLUMN kind DROP DEFAULT, ALTER COLUMN name DROP DEFAULT, ALTER COLUMN name_key DROP DEFAULT,
    ALTER COLUMN fingerprint DROP DEFAULT, ALTER COLUMN key_algorithm DROP DEFAULT;
DROP INDEX certificates_serial;
CREATE UNIQUE INDEX certificates_serial ON certificates (serial, ca_id);
CREATE INDEX certificates_ca_id ON certificates (ca_id, id);
CREATE INDEX certificates_name_key ON certificates (name_key, id);
CREATE INDEX certificates_fingerprint ON certificates (fingerprint, id);
CREATE INDEX certificates_not_after ON certificates (not_after, id);
CREATE INDEX certificates_superseded ON certificates (superseded_at) WHERE superseded_at IS NOT NULL AND (revoked_at IS NULL OR reason = 6);
CREATE INDEX certificates_revoked ON certificates (id) WHERE revoked_at IS NOT NULL;

-- What a list of clients tells of the certificate in force.
ALTER TABLE clients ADD COLUMN serial text NOT NULL DEFAULT '' COLLATE "C";
ALTER TABLE clients ADD COLUMN fingerprint text NOT NULL DEFAULT '' COLLATE "C";
ALTER TABLE clients ADD COLUMN key_algorithm text NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN key_protected boolean NOT NULL DEFAULT false;
ALTER TABLE clients ADD COLUMN not_before timestamptz;
ALTER TABLE clients ADD COLUMN reason bigint NOT NULL DEFAULT 0;
-- The name_key as long as no other client may have the name; NULL: it is free.
ALTER TABLE clients ADD COLUMN held_name text COLLATE "C";
UPDATE clients SET held_name = CASE WHEN clients.revoked_at IS NULL OR t.reason = 6 THEN clients.name_key END,
    serial = COALESCE(t.serial, ''), key_protected = COALESCE(t.key_protected, false), not_before = t.not_before, reason = COALESCE(t.reason, 0)
    FROM (SELECT id AS client FROM clients) AS c LEFT JOIN certificates t
        ON t.id = (SELECT max(id) FROM certificates WHERE client_id = c.client)
    WHERE clients.id = c.client;
DROP INDEX clients_name_key;
CREATE INDEX clients_name_key ON clients (name_key, id);
-- Of part of the rows: otherwise an update of the column would keep others from inserting a certificate of the client.
CREATE UNIQUE INDEX clients_held_name ON clients (held_name) WHERE held_name IS NOT NULL;
CREATE INDEX clients_expires_at ON clients (expires_at, id);

-- A revocation may change: a suspended certificate is resumed, or revoked for good. It then gets the next epoch.
ALTER TABLE revocations ADD COLUMN invalid_since timestamptz;
ALTER TABLE revocations ADD COLUMN changed boolean NOT NULL DEFAULT false;

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
ALTER TABLE clients DROP COLUMN held_name, DROP COLUMN reason, DROP COLUMN not_before, DROP COLUMN key_protected, DROP COLUMN key_algorithm,
    DROP COLUMN fingerprint, DROP COLUMN serial;
CREATE UNIQUE INDEX clients_name_key ON clients (name_key);
DROP INDEX certificates_revoked;
DROP INDEX certificates_superseded;
DROP INDEX certificates_not_after;
DROP INDEX certificates_fingerprint;
DROP INDEX certificates_name_key;
DROP INDEX certificates_ca_id;
DROP INDEX certificates_serial;
ALTER TABLE certificates DROP COLUMN reason, DROP COLUMN revoked_at, DROP COLUMN superseded_at, DROP COLUMN key_algorithm, DROP COLUMN fingerprint,
    DROP COLUMN name_key, DROP COLUMN name, DROP COLUMN kind;
ALTER TABLE certificates ALTER COLUMN client_id SET NOT NULL, ALTER COLUMN sealed_key SET NOT NULL;
CREATE UNIQUE INDEX certificates_serial ON certificates (ca_id, serial);
