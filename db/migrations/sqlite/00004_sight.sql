-- +goose Up
-- Which authorization of the vault made a device; 0: somebody else.
ALTER TABLE devices ADD COLUMN creator_id integer NOT NULL DEFAULT 0;
CREATE INDEX devices_creator_id ON devices (creator_id, id);

-- The devices that an authorization sees beside its own, as JSON; empty: all. And the SHA-256 of the client certificate that it needs; empty: none.
ALTER TABLE pam_authorizations ADD COLUMN devices text NOT NULL DEFAULT '[]';
ALTER TABLE pam_authorizations ADD COLUMN certificate_fingerprint text NOT NULL DEFAULT '';

-- One index does for nonces, which every signed request writes: that they are unique, and that old ones are found.
CREATE TABLE moved_nonces (
    at         datetime NOT NULL,
    nonce      text     NOT NULL,
    public_key text     NOT NULL,
    token      text     NOT NULL,
    PRIMARY KEY (at, nonce, public_key, token)
) WITHOUT ROWID;
INSERT INTO moved_nonces (at, nonce, public_key, token) SELECT at, nonce, public_key, token FROM nonces;
DROP TABLE nonces;
ALTER TABLE moved_nonces RENAME TO nonces;

-- +goose Down
CREATE TABLE moved_nonces (
    public_key text     NOT NULL,
    token      text     NOT NULL,
    at         datetime NOT NULL,
    nonce      text     NOT NULL,
    PRIMARY KEY (public_key, token, at, nonce)
);
INSERT INTO moved_nonces (public_key, token, at, nonce) SELECT public_key, token, at, nonce FROM nonces;
DROP TABLE nonces;
ALTER TABLE moved_nonces RENAME TO nonces;
CREATE INDEX nonces_at ON nonces (at);
ALTER TABLE pam_authorizations DROP COLUMN certificate_fingerprint;
ALTER TABLE pam_authorizations DROP COLUMN devices;
DROP INDEX devices_creator_id;
ALTER TABLE devices DROP COLUMN creator_id;
