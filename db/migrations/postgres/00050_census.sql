-- +goose Up
-- One row, once certificates were counted: how many each CA has in each state, as JSON. point is that of the audit then: while it is the same,
-- certificates have changed by the passing of time alone. whole_at is when all were read for it, and took how long that took, in microseconds.
CREATE TABLE census (
    id       integer PRIMARY KEY CHECK (id = 1),
    point    text     NOT NULL,
    at       timestamptz NOT NULL,
    soon     timestamptz NOT NULL, -- those that end by then are expiring
    whole_at timestamptz NOT NULL,
    took     bigint  NOT NULL,
    counts   text     NOT NULL
);

-- +goose Down
DROP TABLE census;
