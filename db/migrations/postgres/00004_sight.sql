-- +goose Up
-- Which authorization of the vault made a device; 0: somebody else.
ALTER TABLE devices ADD COLUMN creator_id bigint NOT NULL DEFAULT 0;
CREATE INDEX devices_creator_id ON devices (creator_id, id);

-- The devices that an authorization sees beside its own, as JSON; empty: all. And the SHA-256 of the client certificate that it needs; empty: none.
ALTER TABLE pam_authorizations ADD COLUMN devices text NOT NULL DEFAULT '[]';
ALTER TABLE pam_authorizations ADD COLUMN certificate_fingerprint text NOT NULL DEFAULT '';

-- One index does for nonces, which every signed request writes: that they are unique, and that old ones are found.
ALTER TABLE nonces DROP CONSTRAINT nonces_pkey;
ALTER TABLE nonces ADD PRIMARY KEY (at, nonce, public_key, token);
DROP INDEX nonces_at;

-- +goose Down
CREATE INDEX nonces_at ON nonces (at);
ALTER TABLE nonces DROP CONSTRAINT nonces_pkey;
ALTER TABLE nonces ADD PRIMARY KEY (public_key, token, at, nonce);
ALTER TABLE pam_authorizations DROP COLUMN certificate_fingerprint;
ALTER TABLE pam_authorizations DROP COLUMN devices;
DROP INDEX devices_creator_id;
ALTER TABLE devices DROP COLUMN creator_id;
