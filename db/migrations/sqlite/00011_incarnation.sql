-- +goose Up
-- One row: which history this database has. The value is random; it changes at every restore and whenever a process sees that the database has gone back.
-- server is of PostgreSQL only. abandoned are the values, as JSON, whose end an operator has accepted.
CREATE TABLE incarnation (
    id        integer PRIMARY KEY,
    value     text     NOT NULL,
    since     datetime NOT NULL,
    server    text     NOT NULL DEFAULT '',
    abandoned text     NOT NULL DEFAULT '[]'
);
INSERT INTO incarnation (id, value, since) VALUES (1, lower(hex(randomblob(16))), strftime('%Y-%m-%d %H:%M:%f+00:00', 'now'));

-- A random text beside each number that counts changes: the same number in two histories does not look the same.
ALTER TABLE access_control ADD COLUMN mark text NOT NULL DEFAULT '';
UPDATE access_control SET mark = lower(hex(randomblob(16)));
ALTER TABLE cas ADD COLUMN revocation_mark text NOT NULL DEFAULT '';
UPDATE cas SET revocation_mark = lower(hex(randomblob(16)));

-- +goose Down
ALTER TABLE cas DROP COLUMN revocation_mark;
ALTER TABLE access_control DROP COLUMN mark;
DROP TABLE incarnation;
