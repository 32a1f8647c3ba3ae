-- +goose Up
ALTER TABLE apikeys ADD COLUMN description text NOT NULL DEFAULT '';
ALTER TABLE apikeys ADD COLUMN enabled boolean NOT NULL DEFAULT true;
ALTER TABLE apikeys ADD COLUMN expires_at datetime;
ALTER TABLE apikeys ADD COLUMN allowed_ips text NOT NULL DEFAULT '';
ALTER TABLE apikeys ADD COLUMN rate_limit integer NOT NULL DEFAULT 0;
ALTER TABLE apikeys ADD COLUMN previous_until datetime;
ALTER TABLE apikeys ADD COLUMN last_used_at datetime;
ALTER TABLE apikeys ADD COLUMN last_used_ip text NOT NULL DEFAULT '';

CREATE TABLE users (
    id            integer PRIMARY KEY AUTOINCREMENT,
    username      text        NOT NULL,
    username_key  text        NOT NULL,
    email         text        NOT NULL,
    fullname      text        NOT NULL,
    superuser     boolean     NOT NULL,
    enabled       boolean     NOT NULL,
    password_hash text        NOT NULL,
    generation    integer      NOT NULL,
    created_at    datetime NOT NULL,
    updated_at    datetime NOT NULL
);
CREATE UNIQUE INDEX users_username_key ON users (username_key);

CREATE TABLE roles (
    id         integer PRIMARY KEY AUTOINCREMENT,
    name       text        NOT NULL,
    name_key   text        NOT NULL,
    scopes     text        NOT NULL,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX roles_name_key ON roles (name_key);

CREATE TABLE apikey_roles (
    apikey_id integer NOT NULL CONSTRAINT apikey_roles_apikey REFERENCES apikeys (id) ON DELETE CASCADE,
    role_id   integer NOT NULL CONSTRAINT apikey_roles_role REFERENCES roles (id),
    PRIMARY KEY (apikey_id, role_id)
);
CREATE INDEX apikey_roles_role_id ON apikey_roles (role_id);

CREATE TABLE user_roles (
    user_id integer NOT NULL CONSTRAINT user_roles_user REFERENCES users (id) ON DELETE CASCADE,
    role_id integer NOT NULL CONSTRAINT user_roles_role REFERENCES roles (id),
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX user_roles_role_id ON user_roles (role_id);

-- One row: every change of who may do what adds one, and waits for the others that do.
CREATE TABLE access_control (
    id    integer PRIMARY KEY,
    epoch integer  NOT NULL
);
INSERT INTO access_control (id, epoch) VALUES (1, 1);

CREATE TABLE signing_keys (
    id         text PRIMARY KEY,
    sealed     blob       NOT NULL,
    created_at datetime NOT NULL
);

-- Buckets of those who try too often; empty_at is when one will be empty again, in microseconds since 1970.
CREATE TABLE throttles (
    bucket   text PRIMARY KEY,
    empty_at integer NOT NULL
);
CREATE INDEX throttles_empty_at ON throttles (empty_at);

CREATE TABLE audit_events (
    id            integer PRIMARY KEY AUTOINCREMENT,
    chain         integer     NOT NULL,
    position      integer      NOT NULL,
    hash          blob       NOT NULL,
    at            datetime NOT NULL,
    actor_kind    text        NOT NULL,
    actor_id      integer      NOT NULL,
    actor_name    text        NOT NULL,
    address       text        NOT NULL,
    request_id    text        NOT NULL,
    operation     text        NOT NULL,
    action        text        NOT NULL,
    refused       boolean     NOT NULL,
    resource      text        NOT NULL,
    resource_id   integer      NOT NULL,
    resource_name text        NOT NULL,
    before        text        NOT NULL,
    after         text        NOT NULL
);
CREATE UNIQUE INDEX audit_events_position ON audit_events (chain, position);
CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_actor ON audit_events (actor_kind, actor_id, id);
CREATE INDEX audit_events_resource ON audit_events (resource, resource_id, id);

-- Where each chain ends.
CREATE TABLE audit_chains (
    chain    integer PRIMARY KEY,
    position integer NOT NULL,
    hash     blob  NOT NULL
);
INSERT INTO audit_chains (chain, position, hash)
    WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 15) SELECT n, 0, zeroblob(32) FROM numbers;

CREATE TABLE audit_checkpoints (
    id        integer PRIMARY KEY AUTOINCREMENT,
    at        datetime NOT NULL,
    base      boolean     NOT NULL,
    links     text        NOT NULL,
    signature blob       NOT NULL
);

-- +goose Down
DROP TABLE audit_checkpoints;
DROP TABLE audit_chains;
DROP TABLE audit_events;
DROP TABLE throttles;
DROP TABLE signing_keys;
DROP TABLE access_control;
DROP TABLE user_roles;
DROP TABLE apikey_roles;
DROP TABLE roles;
DROP TABLE users;
ALTER TABLE apikeys DROP COLUMN description;
ALTER TABLE apikeys DROP COLUMN enabled;
ALTER TABLE apikeys DROP COLUMN expires_at;
ALTER TABLE apikeys DROP COLUMN allowed_ips;
ALTER TABLE apikeys DROP COLUMN rate_limit;
ALTER TABLE apikeys DROP COLUMN previous_until;
ALTER TABLE apikeys DROP COLUMN last_used_at;
ALTER TABLE apikeys DROP COLUMN last_used_ip;
