-- +goose Up
-- Models, types, vendors and sites, in the spelling that was first. None is ever removed.
CREATE TABLE device_names (
    ref       integer PRIMARY KEY AUTOINCREMENT,
    kind      text NOT NULL,
    label     text NOT NULL,
    label_key text NOT NULL
);
CREATE UNIQUE INDEX device_names_label_key ON device_names (kind, label_key);

CREATE TABLE devices (
    id             integer PRIMARY KEY AUTOINCREMENT,
    hostname       text        NOT NULL,
    hostname_key   text        NOT NULL,
    ip             text        NOT NULL,
    model_ref      integer      NOT NULL,
    type_ref       integer      NOT NULL,
    vendor_ref     integer      NOT NULL,
    site_ref       integer      NOT NULL,
    domains        text        NOT NULL,
    connectivities text        NOT NULL,
    remote         text        NOT NULL,
    tags           text        NOT NULL,
    enabled        boolean     NOT NULL,
    revision       integer     NOT NULL DEFAULT 1,
    created_at     datetime NOT NULL,
    updated_at     datetime NOT NULL
);
CREATE UNIQUE INDEX devices_hostname_key ON devices (hostname_key);
CREATE INDEX devices_ip ON devices (ip, id);
CREATE INDEX devices_model_ref ON devices (model_ref, id);
CREATE INDEX devices_type_ref ON devices (type_ref, id);
CREATE INDEX devices_vendor_ref ON devices (vendor_ref, id);
CREATE INDEX devices_site_ref ON devices (site_ref, id);
CREATE INDEX devices_disabled ON devices (id) WHERE NOT enabled;

-- The words, tags and domains that a device is found by, as w:word, t:tag and d:domain. Devices are never removed, so no constraint has to look for
-- theirs.
CREATE TABLE device_terms (
    term      text NOT NULL,
    device_id integer NOT NULL,
    PRIMARY KEY (term, device_id)
) WITHOUT ROWID;

CREATE TABLE device_domains (
    id             integer PRIMARY KEY AUTOINCREMENT,
    name           text        NOT NULL,
    name_key       text        NOT NULL,
    short_name     text        NOT NULL,
    short_key      text,
    created_at     datetime NOT NULL,
    updated_at     datetime NOT NULL
);
CREATE UNIQUE INDEX device_domains_name_key ON device_domains (name_key);
CREATE UNIQUE INDEX device_domains_short_key ON device_domains (short_key);

CREATE TABLE pam_applications (
    id          integer PRIMARY KEY AUTOINCREMENT,
    name        text        NOT NULL,
    name_key    text        NOT NULL,
    description text        NOT NULL,
    method      text        NOT NULL,
    enabled     boolean     NOT NULL,
    created_at  datetime NOT NULL,
    updated_at  datetime NOT NULL
);
CREATE UNIQUE INDEX pam_applications_name_key ON pam_applications (name_key);

CREATE TABLE pam_authorizations (
    id             integer PRIMARY KEY AUTOINCREMENT,
    application_id integer      NOT NULL CONSTRAINT pam_authorizations_application REFERENCES pam_applications (id),
    name           text        NOT NULL,
    name_key       text        NOT NULL,
    enabled        boolean     NOT NULL,
    may_write      boolean     NOT NULL,
    resources      text        NOT NULL,
    expires_at     datetime,
    allowed_ips    text        NOT NULL,
    referrers      text        NOT NULL,
    public_key     text        NOT NULL,
    token          text        NOT NULL,
    sealed         blob       NOT NULL,
    sealed_before  blob       NOT NULL,
    generation     integer      NOT NULL,
    previous_until datetime,
    created_at     datetime NOT NULL,
    updated_at     datetime NOT NULL
);
CREATE UNIQUE INDEX pam_authorizations_name_key ON pam_authorizations (application_id, name_key);
CREATE UNIQUE INDEX pam_authorizations_public_key ON pam_authorizations (public_key);

CREATE TABLE nonces (
    public_key text        NOT NULL,
    token      text        NOT NULL,
    at         datetime NOT NULL,
    nonce      text        NOT NULL,
    PRIMARY KEY (public_key, token, at, nonce)
);
CREATE INDEX nonces_at ON nonces (at);

-- +goose Down
DROP TABLE nonces;
DROP TABLE pam_authorizations;
DROP TABLE pam_applications;
DROP TABLE device_domains;
DROP TABLE device_terms;
DROP TABLE devices;
DROP TABLE device_names;
