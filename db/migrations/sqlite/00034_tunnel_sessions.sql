-- +goose Up
-- What the agents beside the OpenVPN servers have last reported. report is JSON that no query looks into.
CREATE TABLE agents (
    instance_id integer  PRIMARY KEY CONSTRAINT agents_instance REFERENCES instances (id),
    reported_at datetime NOT NULL,
    due_at      datetime NOT NULL, -- after this time the agent is silent
    silent      boolean  NOT NULL, -- whether that was told
    looked_at   datetime,          -- when the sessions were last confirmed; NULL: never
    seen_until  datetime,          -- until when that counts
    mark        text     NOT NULL, -- changes with the sessions
    report      text     NOT NULL
);
CREATE INDEX agents_due_at ON agents (due_at) WHERE NOT silent;

-- The sessions of OpenVPN servers: those that are open, and for a while those that have ended.
CREATE TABLE tunnel_sessions (
    id           integer  PRIMARY KEY AUTOINCREMENT,
    instance_id  integer  NOT NULL CONSTRAINT tunnel_sessions_instance REFERENCES instances (id),
    client_id    integer  CONSTRAINT tunnel_sessions_client REFERENCES clients (id), -- NULL: no client holds the name
    open         boolean  NOT NULL,
    number       integer  NOT NULL, -- the client id that OpenVPN has given it
    since        integer  NOT NULL, -- seconds of Unix time by the clock of the server
    name         text     NOT NULL,
    name_key     text     NOT NULL,
    real_address text     NOT NULL,
    real_port    integer  NOT NULL,
    address      text     NOT NULL,
    address_v6   text     NOT NULL,
    cipher       text     NOT NULL,
    bytes_in     integer  NOT NULL,
    bytes_out    integer  NOT NULL,
    connected_at datetime NOT NULL,
    ended_at     datetime, -- NULL: it is open
    kill_at      datetime  -- when somebody asked to end it; NULL: nobody did
);
CREATE UNIQUE INDEX tunnel_sessions_number ON tunnel_sessions (instance_id, since, number);
CREATE INDEX tunnel_sessions_instance_id ON tunnel_sessions (instance_id, open, id);
CREATE INDEX tunnel_sessions_client_id ON tunnel_sessions (client_id, id);
CREATE INDEX tunnel_sessions_ended_at ON tunnel_sessions (ended_at) WHERE NOT open;
CREATE INDEX tunnel_sessions_kill_at ON tunnel_sessions (instance_id) WHERE open AND kill_at IS NOT NULL;

-- The newest session of each client at each instance. It outlives that: it says when the client was last seen.
CREATE TABLE connections (
    client_id    integer  NOT NULL CONSTRAINT connections_client REFERENCES clients (id),
    instance_id  integer  NOT NULL CONSTRAINT connections_instance REFERENCES instances (id),
    session_id   integer  NOT NULL, -- 0: none is open
    connected_at datetime NOT NULL,
    seen_at      datetime NOT NULL, -- when the session was over; as long as it is open, when it was first seen
    real_address text     NOT NULL,
    real_port    integer  NOT NULL,
    address      text     NOT NULL,
    address_v6   text     NOT NULL,
    PRIMARY KEY (client_id, instance_id)
);
CREATE INDEX connections_instance_id ON connections (instance_id);

-- +goose Down
DROP TABLE connections;
DROP TABLE tunnel_sessions;
DROP TABLE agents;
