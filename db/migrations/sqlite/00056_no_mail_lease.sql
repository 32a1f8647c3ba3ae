-- chaveiro: oldest 47
-- +goose Up
-- Which server sends the mail is in task_leases since 45. No program of 46 or later uses the table.
DROP TABLE mail_lease;

-- +goose Down
CREATE TABLE mail_lease (
    id       integer PRIMARY KEY CHECK (id = 1),
    turn     integer NOT NULL,
    until_at integer NOT NULL -- microseconds since 1970
);
INSERT INTO mail_lease (id, turn, until_at) VALUES (1, 0, 0);
