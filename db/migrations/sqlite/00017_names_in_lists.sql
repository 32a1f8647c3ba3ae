-- +goose Up
-- A list by a part of the name reads all names of an index. The name is in each of them, so that it does not read the rows of other clients.
CREATE INDEX clients_names ON clients (id, name_key);
DROP INDEX clients_ca_id;
CREATE INDEX clients_ca_id ON clients (ca_id, id, name_key);
DROP INDEX clients_valid;
CREATE INDEX clients_valid ON clients (id, name_key) WHERE NOT expired AND revoked_at IS NULL;
DROP INDEX clients_valid_ca;
CREATE INDEX clients_valid_ca ON clients (ca_id, id, name_key) WHERE NOT expired AND revoked_at IS NULL;
DROP INDEX clients_expired;
CREATE INDEX clients_expired ON clients (id, name_key) WHERE expired;
DROP INDEX clients_expired_ca;
CREATE INDEX clients_expired_ca ON clients (ca_id, id, name_key) WHERE expired;
DROP INDEX clients_revoked;
CREATE INDEX clients_revoked ON clients (id, name_key) WHERE revoked_at IS NOT NULL;
DROP INDEX clients_revoked_ca;
CREATE INDEX clients_revoked_ca ON clients (ca_id, id, name_key) WHERE revoked_at IS NOT NULL;

-- +goose Down
DROP INDEX clients_names;
DROP INDEX clients_ca_id;
CREATE INDEX clients_ca_id ON clients (ca_id, id);
DROP INDEX clients_valid;
CREATE INDEX clients_valid ON clients (id) WHERE NOT expired AND revoked_at IS NULL;
DROP INDEX clients_valid_ca;
CREATE INDEX clients_valid_ca ON clients (ca_id, id) WHERE NOT expired AND revoked_at IS NULL;
DROP INDEX clients_expired;
CREATE INDEX clients_expired ON clients (id) WHERE expired;
DROP INDEX clients_expired_ca;
CREATE INDEX clients_expired_ca ON clients (ca_id, id) WHERE expired;
DROP INDEX clients_revoked;
CREATE INDEX clients_revoked ON clients (id) WHERE revoked_at IS NOT NULL;
DROP INDEX clients_revoked_ca;
CREATE INDEX clients_revoked_ca ON clients (ca_id, id) WHERE revoked_at IS NOT NULL;
