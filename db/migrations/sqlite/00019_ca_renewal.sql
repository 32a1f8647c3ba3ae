-- +goose Up
-- When the present certificate was made, if it is not the first one of the CA.
ALTER TABLE cas ADD COLUMN renewed_at datetime;
-- The CA whose place this one takes, with a new key. A CA has one successor, and stays as long as that does.
ALTER TABLE cas ADD COLUMN predecessor_id integer REFERENCES cas (id);
CREATE UNIQUE INDEX cas_predecessor_id ON cas (predecessor_id);

-- The certificates of a CA besides its present one: earlier ones of the same key, and those by which its predecessor has signed its key.
CREATE TABLE ca_certificates (
    id          integer PRIMARY KEY AUTOINCREMENT,
    ca_id       integer      NOT NULL REFERENCES cas (id) ON DELETE CASCADE,
    kind        text        NOT NULL, -- earlier or cross
    certificate blob       NOT NULL,
    created_at  datetime NOT NULL
);
CREATE INDEX ca_certificates_ca_id ON ca_certificates (ca_id, id);

-- +goose Down
DROP TABLE ca_certificates;
DROP INDEX cas_predecessor_id;
ALTER TABLE cas DROP COLUMN predecessor_id;
ALTER TABLE cas DROP COLUMN renewed_at;
