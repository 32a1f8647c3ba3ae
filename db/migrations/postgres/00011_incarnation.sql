-- +goose Up
-- One row: which history this database has. The value is random; it changes at every restore and whenever a replica sees that the database has gone back
-- or that another server goes on with it. server is where it was made: the system identifier and the timeline. abandoned are the values, as JSON, whose
-- end an operator has accepted.
CREATE TABLE incarnation (
    id        integer PRIMARY KEY,
    value     text        NOT NULL,
    since     timestamptz NOT NULL,
    server    text        NOT NULL DEFAULT '',
    abandoned text        NOT NULL DEFAULT '[]'
);
INSERT INTO incarnation (id, value, since) VALUES (1, replace(gen_random_uuid()::text, '-', ''), now());

-- A random text beside each number that counts changes: the same number in two histories does not look the same.
ALTER TABLE access_control ADD COLUMN mark text NOT NULL DEFAULT '';
UPDATE access_control SET mark = replace(gen_random_uuid()::text, '-', '');
ALTER TABLE cas ADD COLUMN revocation_mark text NOT NULL DEFAULT '';
UPDATE cas SET revocation_mark = replace(gen_random_uuid()::text, '-', '');

-- +goose Down
ALTER TABLE cas DROP COLUMN revocation_mark;
ALTER TABLE access_control DROP COLUMN mark;
DROP TABLE incarnation;
