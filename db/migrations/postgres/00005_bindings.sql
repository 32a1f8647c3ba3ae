-- +goose Up
-- Random texts that credentials have in common with the row that they were made for. Rows from before have none.
ALTER TABLE apikeys ADD COLUMN binding text NOT NULL DEFAULT '';
ALTER TABLE apikeys ADD COLUMN binding_before text NOT NULL DEFAULT '';
ALTER TABLE apikeys ADD COLUMN passing text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN binding text NOT NULL DEFAULT '';
ALTER TABLE pam_authorizations ADD COLUMN binding text NOT NULL DEFAULT '';
ALTER TABLE pam_authorizations ADD COLUMN binding_before text NOT NULL DEFAULT '';
ALTER TABLE pam_authorizations ADD COLUMN passing text NOT NULL DEFAULT '';
ALTER TABLE pam_applications ADD COLUMN passing text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE pam_applications DROP COLUMN passing;
ALTER TABLE pam_authorizations DROP COLUMN passing;
ALTER TABLE pam_authorizations DROP COLUMN binding_before;
ALTER TABLE pam_authorizations DROP COLUMN binding;
ALTER TABLE users DROP COLUMN binding;
ALTER TABLE apikeys DROP COLUMN passing;
ALTER TABLE apikeys DROP COLUMN binding_before;
ALTER TABLE apikeys DROP COLUMN binding;
