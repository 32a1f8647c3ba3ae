-- +goose Up
-- The stream of events, in the order in which they were published. An id is given once, and ids have no gaps.
CREATE TABLE events (
    id            integer  PRIMARY KEY,
    type          text     NOT NULL,
    at            datetime NOT NULL,
    resource      text     NOT NULL,
    resource_id   integer  NOT NULL, -- 0: none
    resource_name text     NOT NULL,
    actor_kind    text     NOT NULL, -- empty: the service itself, or nobody known
    actor_id      integer  NOT NULL,
    actor_name    text     NOT NULL,
    request_id    text     NOT NULL,
    data          text     NOT NULL -- JSON
);
-- One row: the id of the last event, that of the last one that was removed, and how often something was published. Whoever publishes counts up
-- turn, if it is what it was when they read what to publish.
CREATE TABLE event_stream (
    id     integer PRIMARY KEY CHECK (id = 1),
    newest integer NOT NULL,
    gone   integer NOT NULL,
    turn   integer NOT NULL
);
INSERT INTO event_stream (id, newest, gone, turn) VALUES (1, 0, 0, 0);
-- Up to where the stream has the events of each chain of the audit. It begins with what happens from now on.
CREATE TABLE event_chains (
    chain    integer PRIMARY KEY,
    position integer NOT NULL
);
INSERT INTO event_chains (chain, position) SELECT chain, position FROM audit_chains;
-- Events that are not in the audit, until they are published. Each comes after the event of the audit with the id after_id.
CREATE TABLE event_outbox (
    id       integer PRIMARY KEY AUTOINCREMENT,
    after_id integer NOT NULL,
    event    text    NOT NULL -- JSON
);
-- Of what it was told that it ends: so many days ahead of that end.
CREATE TABLE expiry_notices (
    resource    text     NOT NULL,
    resource_id integer  NOT NULL,
    days        integer  NOT NULL,
    ends_at     datetime NOT NULL,
    PRIMARY KEY (resource, resource_id, days, ends_at)
);
CREATE INDEX expiry_notices_ends_at ON expiry_notices (ends_at);

-- +goose Down
DROP TABLE expiry_notices;
DROP TABLE event_outbox;
DROP TABLE event_chains;
DROP TABLE event_stream;
DROP TABLE events;
