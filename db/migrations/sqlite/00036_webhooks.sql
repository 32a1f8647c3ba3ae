-- +goose Up
-- Endpoints that events are posted to. name_key is the name as names are compared. position is the id of the event up to which all are delivered,
-- left out or in webhook_deliveries. Who delivers holds a lease: token counts the holders, and beat moves while the holder is alive.
CREATE TABLE webhooks (
    id              integer PRIMARY KEY AUTOINCREMENT,
    name            text     NOT NULL,
    name_key        text     NOT NULL,
    description     text     NOT NULL,
    url             text     NOT NULL,
    enabled         boolean  NOT NULL,
    types           text     NOT NULL, -- JSON; none: all
    resource        text     NOT NULL, -- empty: all
    resource_id     integer   NOT NULL, -- 0: all
    secret          blob     NOT NULL, -- sealed
    previous        blob,              -- sealed; NULL: there is none
    previous_until  datetime,
    disabled        text     NOT NULL, -- why the service has disabled it; empty: it has not
    disabled_at     datetime,
    created_at      datetime NOT NULL,
    updated_at      datetime NOT NULL,
    position        integer   NOT NULL,
    delivered_at    datetime,
    failing_since   datetime,
    holder          text     NOT NULL, -- empty: nobody
    token           integer   NOT NULL,
    beat            integer   NOT NULL,
    replays         integer   NOT NULL -- how often deliveries were asked for again
);
CREATE UNIQUE INDEX webhooks_name_key ON webhooks (name_key);
-- Deliveries that wait, and for a while what became of the others. Of those of one resource that wait, the first one has a time in next_at.
CREATE TABLE webhook_deliveries (
    webhook_id  integer   NOT NULL CONSTRAINT webhook_deliveries_webhook REFERENCES webhooks (id),
    event_id    integer   NOT NULL,
    at          datetime NOT NULL, -- of the event
    resource    text     NOT NULL,
    resource_id integer   NOT NULL,
    event       text     NOT NULL, -- JSON
    state       text     NOT NULL,
    attempts    integer   NOT NULL,
    next_at     datetime,
    status      integer   NOT NULL, -- of the last answer; 0: there was none
    fault       text     NOT NULL, -- of the last attempt; empty: none
    took        integer   NOT NULL, -- the last attempt, in milliseconds
    created_at  datetime NOT NULL,
    updated_at  datetime NOT NULL,
    PRIMARY KEY (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (webhook_id, state, event_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_lane ON webhook_deliveries (webhook_id, resource_id, resource, event_id) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (webhook_id) WHERE state = 'dead';

-- +goose Down
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
