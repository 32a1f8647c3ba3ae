-- +goose Up
-- How far it was told, so many days ahead, that certificates of clients end: a row for each number of days. All that end by reached were told.
-- newest is the highest id of a certificate when that was looked at, and settled one that all certificates up to have which were made by the
-- look before it. whole_at is when all ends were last looked through.
CREATE TABLE ending_looks (
    days      integer  PRIMARY KEY,
    reached   timestamptz NOT NULL,
    settled   bigint  NOT NULL,
    newest    bigint  NOT NULL,
    looked_at timestamptz NOT NULL,
    whole_at  timestamptz NOT NULL
);

-- +goose Down
DROP TABLE ending_looks;
