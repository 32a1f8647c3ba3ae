-- +goose Up
-- Links by which the person at a site fetches its profile, or sends a request for a certificate. Neither the secret of a link nor its PIN is
-- stored.
CREATE TABLE enrolments (
    id           integer PRIMARY KEY AUTOINCREMENT,
    client_id    integer  NOT NULL CONSTRAINT enrolments_client REFERENCES clients (id),
    instance_id  integer  NOT NULL CONSTRAINT enrolments_instance REFERENCES instances (id),
    format       text     NOT NULL, -- of the profile; empty: whoever claims it chooses
    secret_hash  blob     NOT NULL, -- SHA-256
    pin_hash     blob,              -- SHA-256 of the secret and the PIN; NULL: there is none
    tries        integer  NOT NULL DEFAULT 0, -- wrong PINs
    created_at   datetime NOT NULL,
    expires_at   datetime NOT NULL,
    revoked_at   datetime,
    claimed_at   datetime,
    claimed_from text     NOT NULL DEFAULT '', -- the address
    claim_hash   blob               -- SHA-256 of what only the one who has claimed it knows
);
CREATE UNIQUE INDEX enrolments_secret_hash ON enrolments (secret_hash);
CREATE INDEX enrolments_client_id ON enrolments (client_id, id);
CREATE INDEX enrolments_instance_id ON enrolments (instance_id, id);

-- +goose Down
DROP TABLE enrolments;
