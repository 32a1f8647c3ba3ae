-- +goose Up
-- The file of an import is kept in parts, not its rows one by one. What the file calls its domains, as JSON, and how many rows are stored already.
ALTER TABLE device_imports ADD COLUMN domains text NOT NULL DEFAULT '{}';
ALTER TABLE device_imports ADD COLUMN done bigint NOT NULL DEFAULT 0;

-- What devices were like before an import that goes on has changed them: everybody sees them so until it is finished. terms are those of device_terms,
-- each between two line ends.
CREATE TABLE device_befores (
    import_id      bigint   NOT NULL,
    id             bigint   NOT NULL,
    hostname       text     NOT NULL,
    hostname_key   text     NOT NULL,
    ip             text     NOT NULL,
    model_ref      bigint   NOT NULL,
    type_ref       bigint   NOT NULL,
    vendor_ref     bigint   NOT NULL,
    site_ref       bigint   NOT NULL,
    domains        text     NOT NULL,
    connectivities text     NOT NULL,
    remote         text     NOT NULL,
    tags           text     NOT NULL,
    enabled        boolean  NOT NULL,
    creator_id     bigint   NOT NULL,
    revision       bigint   NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    terms          text     NOT NULL,
    PRIMARY KEY (import_id, id)
);

-- +goose Down
DROP TABLE device_befores;
ALTER TABLE device_imports DROP COLUMN done;
ALTER TABLE device_imports DROP COLUMN domains;
