-- +goose Up
-- What was moved to the archive together: its event in the audit has the same batch, and the digest of these rows. Empty: of a version before.
ALTER TABLE archived_certificates ADD COLUMN batch text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE archived_certificates DROP COLUMN batch;
