-- +goose Up
-- The CA that has issued the certificate of the CA; 0: none, or one that is not here. The parent's certificates have that certificate, so the
-- parent can't be deleted.
ALTER TABLE cas ADD COLUMN parent_id integer NOT NULL DEFAULT 0;
-- The certificates above it up to the root, in DER, one after the other, of CAs that are not here. NULL: none.
ALTER TABLE cas ADD COLUMN chain blob;

-- +goose Down
ALTER TABLE cas DROP COLUMN chain;
ALTER TABLE cas DROP COLUMN parent_id;
