-- +goose Up
-- For each later migration the schema that a program must know at least to work on what the migration leaves. A program that is older than the
-- schema reads here whether it may go on. A row is written before its migration is applied.
CREATE TABLE schema_needs (
    version integer PRIMARY KEY,
    oldest  integer NOT NULL
);

-- +goose Down
DROP TABLE schema_needs;
