-- +goose Up
-- The servers that run. beat moves while a server lives: nobody compares clocks. seen_at is for people to look at.
CREATE TABLE replicas (
    id      text        PRIMARY KEY,
    version text        NOT NULL, -- of the program
    schema  bigint      NOT NULL, -- the newest that the program knows
    beat    bigint      NOT NULL,
    seen_at timestamptz NOT NULL
);
-- Which server does a background task. token counts the holders: what a holder stores is stored only while the row has its token. done_at is when
-- the task was last done without a fault, to a minute.
CREATE TABLE task_leases (
    task    text   PRIMARY KEY,
    holder  text   NOT NULL, -- id of a replica; empty: nobody
    token   bigint NOT NULL,
    done_at timestamptz
);

-- +goose Down
DROP TABLE task_leases;
DROP TABLE replicas;
