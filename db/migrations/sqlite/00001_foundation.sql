-- +goose Up
CREATE TABLE cas (
    id               integer PRIMARY KEY AUTOINCREMENT,
    name             text        NOT NULL,
    name_key         text        NOT NULL,
    description      text        NOT NULL,
    country          text        NOT NULL,
    province         text        NOT NULL,
    city             text        NOT NULL,
    organization     text        NOT NULL,
    sector           text        NOT NULL,
    email            text        NOT NULL,
    key_algorithm    text        NOT NULL,
    key_fingerprint  text,
    certificate      blob       NOT NULL,
    sealed_key       blob       NOT NULL,
    revocation_epoch integer      NOT NULL DEFAULT 0,
    crl_number       integer      NOT NULL DEFAULT 0,
    expires_at       datetime NOT NULL,
    created_at       datetime NOT NULL,
    updated_at       datetime NOT NULL
);
CREATE UNIQUE INDEX cas_name_key ON cas (name_key);
CREATE UNIQUE INDEX cas_key_fingerprint ON cas (key_fingerprint);

CREATE TABLE clients (
    id           integer PRIMARY KEY AUTOINCREMENT,
    ca_id        integer      NOT NULL CONSTRAINT clients_ca REFERENCES cas (id),
    name         text        NOT NULL,
    name_key     text        NOT NULL,
    description  text        NOT NULL,
    country      text        NOT NULL,
    province     text        NOT NULL,
    city         text        NOT NULL,
    organization text        NOT NULL,
    sector       text        NOT NULL,
    email        text        NOT NULL,
    expires_at   datetime NOT NULL,
    expired      boolean     NOT NULL DEFAULT 0,
    revoked_at   datetime,
    created_at   datetime NOT NULL,
    updated_at   datetime NOT NULL
);
CREATE UNIQUE INDEX clients_name_key ON clients (name_key);
CREATE INDEX clients_ca_id ON clients (ca_id, id);
CREATE INDEX clients_valid ON clients (id) WHERE NOT expired AND revoked_at IS NULL;
CREATE INDEX clients_valid_ca ON clients (ca_id, id) WHERE NOT expired AND revoked_at IS NULL;
CREATE INDEX clients_expired ON clients (id) WHERE expired;
CREATE INDEX clients_expired_ca ON clients (ca_id, id) WHERE expired;
CREATE INDEX clients_revoked ON clients (id) WHERE revoked_at IS NOT NULL;
CREATE INDEX clients_revoked_ca ON clients (ca_id, id) WHERE revoked_at IS NOT NULL;
CREATE INDEX clients_expiring ON clients (expires_at) WHERE NOT expired;

CREATE TABLE certificates (
    id            integer PRIMARY KEY AUTOINCREMENT,
    ca_id         integer      NOT NULL CONSTRAINT certificates_ca REFERENCES cas (id),
    client_id     integer      NOT NULL CONSTRAINT certificates_client REFERENCES clients (id),
    serial        text        NOT NULL,
    not_before    datetime NOT NULL,
    not_after     datetime NOT NULL,
    der           blob       NOT NULL,
    sealed_key    blob       NOT NULL,
    key_protected boolean     NOT NULL,
    created_at    datetime NOT NULL
);
CREATE UNIQUE INDEX certificates_serial ON certificates (ca_id, serial);
CREATE INDEX certificates_client_id ON certificates (client_id, id);

CREATE TABLE revocations (
    ca_id      integer      NOT NULL REFERENCES cas (id) ON DELETE CASCADE,
    serial     text        NOT NULL,
    epoch      integer      NOT NULL,
    revoked_at datetime NOT NULL,
    reason     integer     NOT NULL,
    not_after  datetime,
    PRIMARY KEY (ca_id, serial)
);
CREATE INDEX revocations_epoch ON revocations (ca_id, epoch);

CREATE TABLE crls (
    ca_id       integer      NOT NULL REFERENCES cas (id) ON DELETE CASCADE,
    number      integer      NOT NULL,
    epoch       integer      NOT NULL,
    this_update datetime NOT NULL,
    next_update datetime NOT NULL,
    signed_at   datetime NOT NULL,
    der         blob       NOT NULL,
    PRIMARY KEY (ca_id, number)
);

CREATE TABLE apikeys (
    id         integer PRIMARY KEY AUTOINCREMENT,
    name       text        NOT NULL,
    name_key   text        NOT NULL,
    superuser  boolean     NOT NULL,
    generation integer      NOT NULL,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX apikeys_name_key ON apikeys (name_key);

CREATE TABLE secrets (
    name   text PRIMARY KEY,
    sealed blob NOT NULL
);

-- +goose Down
DROP TABLE secrets;
DROP TABLE apikeys;
DROP TABLE crls;
DROP TABLE revocations;
DROP TABLE certificates;
DROP TABLE clients;
DROP TABLE cas;
