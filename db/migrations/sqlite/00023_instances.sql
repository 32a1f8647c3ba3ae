-- +goose Up
-- Templates of the configuration of an OpenVPN server.
CREATE TABLE instance_models (
    id         integer PRIMARY KEY AUTOINCREMENT,
    name       text     NOT NULL,
    name_key   text     NOT NULL,
    template   text     NOT NULL,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX instance_models_name_key ON instance_models (name_key);

-- OpenVPN servers. settings is JSON: what the server is configured with; no query looks into it.
CREATE TABLE instances (
    id             integer PRIMARY KEY AUTOINCREMENT,
    model_id       integer  CONSTRAINT instances_model REFERENCES instance_models (id), -- NULL: the default model
    ca_id          integer  NOT NULL CONSTRAINT instances_ca REFERENCES cas (id),
    certificate_id integer  NOT NULL CONSTRAINT instances_certificate REFERENCES certificates (id),
    name           text     NOT NULL,
    name_key       text     NOT NULL,
    gateway        text     NOT NULL, -- the machine that it runs on
    gateway_key    text     NOT NULL,
    description    text     NOT NULL,
    country        text     NOT NULL,
    province       text     NOT NULL,
    city           text     NOT NULL,
    organization   text     NOT NULL,
    sector         text     NOT NULL,
    email          text     NOT NULL,
    settings       text     NOT NULL,
    sealed_control blob,              -- the key of the control channel; NULL: none
    sealed_earlier blob,              -- the one before, as long as a campaign runs; NULL: none
    version        integer  NOT NULL, -- of what the profiles of its sites say
    renew_at       datetime NOT NULL, -- when the certificate of the server is due to be renewed
    reloaded_at    datetime,          -- when it was last asked to read its configuration again; NULL: never
    created_at     datetime NOT NULL,
    updated_at     datetime NOT NULL
);
CREATE UNIQUE INDEX instances_name_key ON instances (name_key);
CREATE INDEX instances_ca_id ON instances (ca_id, id);
CREATE INDEX instances_model_id ON instances (model_id);
CREATE UNIQUE INDEX instances_certificate_id ON instances (certificate_id);
CREATE INDEX instances_gateway ON instances (gateway_key, id);
CREATE INDEX instances_renew_at ON instances (renew_at, id);

-- The lock of the IP plan of a gateway: whoever changes networks of it changes its row first.
CREATE TABLE gateways (
    gateway_key text PRIMARY KEY,
    revision    integer NOT NULL
);

-- The IP plan: what belongs to an instance, or to a site of it. first and last are the bounds, of 4 or 16 octets. Tunnels and LANs
-- of a gateway never overlap, but where inside is set: then prefix is how the others see the LAN.
CREATE TABLE networks (
    id          integer PRIMARY KEY AUTOINCREMENT,
    gateway_key text    NOT NULL,
    instance_id integer NOT NULL CONSTRAINT networks_instance REFERENCES instances (id),
    client_id   integer CONSTRAINT networks_client REFERENCES clients (id), -- NULL: the instance itself
    kind        text    NOT NULL,  -- tunnel, address, lan
    family      integer NOT NULL,  -- 4 or 6
    first       blob    NOT NULL,
    last        blob    NOT NULL,
    prefix      text    NOT NULL,
    inside      text               -- the LAN itself, when it is mapped; NULL: it is not
);
CREATE UNIQUE INDEX networks_first ON networks (gateway_key, family, first) WHERE kind <> 'address';
CREATE UNIQUE INDEX networks_address ON networks (instance_id, family, first) WHERE kind = 'address';
CREATE INDEX networks_instance_id ON networks (instance_id, client_id, id);
CREATE INDEX networks_client_id ON networks (client_id, id) WHERE client_id IS NOT NULL;

-- Sites of an instance: what OpenVPN's client-config-dir says besides networks, and the state of the profile.
CREATE TABLE client_configs (
    instance_id    integer  NOT NULL CONSTRAINT client_configs_instance REFERENCES instances (id),
    client_id      integer  NOT NULL CONSTRAINT client_configs_client REFERENCES clients (id),
    settings       text     NOT NULL, -- JSON
    sealed_control blob,              -- the tls-crypt-v2 client key; NULL: not made yet
    control_serial text     NOT NULL DEFAULT '', -- of the certificate that the key was made for
    control_version integer NOT NULL DEFAULT 0,  -- of the instance when the key was made
    profile_version integer NOT NULL DEFAULT 0,  -- of the instance when the profile was last fetched; 0: never
    profile_fetched_at datetime,
    created_at     datetime NOT NULL,
    updated_at     datetime NOT NULL,
    PRIMARY KEY (instance_id, client_id)
);
CREATE INDEX client_configs_client_id ON client_configs (client_id, instance_id);

-- +goose Down
DROP TABLE client_configs;
DROP TABLE networks;
DROP TABLE gateways;
DROP TABLE instances;
DROP TABLE instance_models;
