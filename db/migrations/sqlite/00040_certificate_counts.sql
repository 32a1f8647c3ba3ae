-- +goose Up
-- The index of the certificates of a CA also has what decides their state, so that they are counted without reading the rows, which are large.
DROP INDEX certificates_ca_id;
CREATE INDEX certificates_ca_id ON certificates (ca_id, id, kind, not_after, superseded_at, revoked_at, reason);

-- +goose Down
DROP INDEX certificates_ca_id;
CREATE INDEX certificates_ca_id ON certificates (ca_id, id);
