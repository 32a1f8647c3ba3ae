-- +goose Up
-- key_uri names the key of a CA in a token or a vault. Such a CA has no sealed key: exactly one of
-- the two is there.
ALTER TABLE cas ADD COLUMN key_uri text NOT NULL DEFAULT '';
ALTER TABLE cas ADD CONSTRAINT cas_one_key CHECK ((key_uri = '') = (length(sealed_key) > 0));

-- +goose Down
ALTER TABLE cas DROP COLUMN key_uri;
