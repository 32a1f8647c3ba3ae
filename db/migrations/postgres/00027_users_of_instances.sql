-- +goose Up
-- Whether a client is a person with a PC or a phone, and not a site. Both have their certificates, names and ids in common, but are listed
-- apart: each list is read from one part of its index.
ALTER TABLE clients ADD COLUMN of_user boolean NOT NULL DEFAULT false;
DROP INDEX clients_names;
CREATE INDEX clients_names ON clients (of_user, id, name_key);
DROP INDEX clients_ca_id;
CREATE INDEX clients_ca_id ON clients (ca_id, of_user, id, name_key);
DROP INDEX clients_valid;
CREATE INDEX clients_valid ON clients (of_user, id, name_key) WHERE NOT expired AND revoked_at IS NULL AND id > 0;
DROP INDEX clients_valid_ca;
CREATE INDEX clients_valid_ca ON clients (ca_id, of_user, id, name_key) WHERE NOT expired AND revoked_at IS NULL;
DROP INDEX clients_expired;
CREATE INDEX clients_expired ON clients (of_user, id, name_key) WHERE expired AND id > 0;
DROP INDEX clients_expired_ca;
CREATE INDEX clients_expired_ca ON clients (ca_id, of_user, id, name_key) WHERE expired;
DROP INDEX clients_revoked;
CREATE INDEX clients_revoked ON clients (of_user, id, name_key) WHERE revoked_at IS NOT NULL AND id > 0;
DROP INDEX clients_revoked_ca;
CREATE INDEX clients_revoked_ca ON clients (ca_id, of_user, id, name_key) WHERE revoked_at IS NOT NULL;
DROP INDEX clients_name_key;
CREATE INDEX clients_name_key ON clients (name_key, id, of_user);
DROP INDEX clients_expires_at;
CREATE INDEX clients_expires_at ON clients (of_user, expires_at, id);

-- The same of the client of a config, for the lists of an instance.
ALTER TABLE client_configs ADD COLUMN of_user boolean NOT NULL DEFAULT false;
CREATE INDEX client_configs_of_user ON client_configs (instance_id, of_user, client_id);
-- A user is one of a single instance.
CREATE UNIQUE INDEX client_configs_user_client_id ON client_configs (client_id) WHERE of_user;

-- +goose Down
-- The schema before knows no users: they would be taken for sites.
CREATE TABLE unsaid (users bigint CONSTRAINT users_of_schema_26 CHECK (users = 0));
INSERT INTO unsaid SELECT count(*) FROM clients WHERE of_user;
DROP TABLE unsaid;

DROP INDEX client_configs_user_client_id;
DROP INDEX client_configs_of_user;
ALTER TABLE client_configs DROP COLUMN of_user;
DROP INDEX clients_names;
CREATE INDEX clients_names ON clients (id, name_key);
DROP INDEX clients_ca_id;
CREATE INDEX clients_ca_id ON clients (ca_id, id, name_key);
DROP INDEX clients_valid;
CREATE INDEX clients_valid ON clients (id, name_key) WHERE NOT expired AND revoked_at IS NULL AND id > 0;
DROP INDEX clients_valid_ca;
CREATE INDEX clients_valid_ca ON clients (ca_id, id, name_key) WHERE NOT expired AND revoked_at IS NULL;
DROP INDEX clients_expired;
CREATE INDEX clients_expired ON clients (id, name_key) WHERE expired AND id > 0;
DROP INDEX clients_expired_ca;
CREATE INDEX clients_expired_ca ON clients (ca_id, id, name_key) WHERE expired;
DROP INDEX clients_revoked;
CREATE INDEX clients_revoked ON clients (id, name_key) WHERE revoked_at IS NOT NULL AND id > 0;
DROP INDEX clients_revoked_ca;
CREATE INDEX clients_revoked_ca ON clients (ca_id, id, name_key) WHERE revoked_at IS NOT NULL;
DROP INDEX clients_name_key;
CREATE INDEX clients_name_key ON clients (name_key, id);
DROP INDEX clients_expires_at;
CREATE INDEX clients_expires_at ON clients (expires_at, id);
ALTER TABLE clients DROP COLUMN of_user;
