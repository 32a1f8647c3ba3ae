-- +goose Up
-- The times in which the sites of an instance go over to new profiles. before and final are JSON: what changes and what there was before, and
-- how many sites had which profile at the end; no query looks into them.
CREATE TABLE campaigns (
    id           integer PRIMARY KEY AUTOINCREMENT,
    instance_id  integer NOT NULL CONSTRAINT campaigns_instance REFERENCES instances (id),
    from_version integer NOT NULL, -- of the instance before the first change
    version      integer NOT NULL, -- of the instance after the last one
    before       text NOT NULL,
    final        text NOT NULL,
    started_at   datetime NOT NULL,
    ended_at     datetime,          -- NULL: it runs
    forced       boolean NOT NULL DEFAULT 0 -- it was ended while sites had earlier profiles
);
CREATE UNIQUE INDEX campaigns_running_instance_id ON campaigns (instance_id) WHERE ended_at IS NULL;
CREATE INDEX campaigns_instance_id ON campaigns (instance_id, id);
ALTER TABLE instances ADD COLUMN campaign_id integer; -- the one that runs; NULL: none

-- A profile is stale when the version of the instance, or the revision of the config, has grown since it was fetched.
ALTER TABLE client_configs ADD COLUMN revision integer NOT NULL DEFAULT 0;
ALTER TABLE client_configs ADD COLUMN profile_revision integer NOT NULL DEFAULT 0; -- when the profile was last fetched
ALTER TABLE client_configs ADD COLUMN profile_format text NOT NULL DEFAULT ''; -- of that profile; empty: not known

-- The links of a site that can still be claimed.
CREATE INDEX enrolments_site ON enrolments (instance_id, client_id, id) WHERE revoked_at IS NULL AND claimed_at IS NULL;

-- +goose Down
DROP INDEX enrolments_site;
ALTER TABLE client_configs DROP COLUMN profile_format;
ALTER TABLE client_configs DROP COLUMN profile_revision;
ALTER TABLE client_configs DROP COLUMN revision;
ALTER TABLE instances DROP COLUMN campaign_id;
DROP TABLE campaigns;
