-- +goose Up
-- What is known of the times on a chain, in microseconds: the latest since 1970, and by how much at most an event is earlier than one before it. A minute at
-- least. SQLite computes times to a tenth of a millisecond.
ALTER TABLE audit_chains ADD COLUMN latest integer NOT NULL DEFAULT 0;
ALTER TABLE audit_chains ADD COLUMN behind integer NOT NULL DEFAULT 60000000;
UPDATE audit_chains SET latest = known.latest, behind = max(audit_chains.behind, known.behind) FROM (
    SELECT chain, CAST((max(day) - 2440587.5) * 86400000000.0 AS integer) + 1000 AS latest, CAST(max(lag) * 86400000000.0 AS integer) + 1000 AS behind
    FROM (SELECT chain, julianday(at) AS day, max(julianday(at)) OVER (PARTITION BY chain ORDER BY position) - julianday(at) AS lag FROM audit_events)
    GROUP BY chain
) AS known WHERE known.chain = audit_chains.chain;
CREATE INDEX audit_events_chain_at ON audit_events (chain, at);
DROP INDEX audit_events_at;

-- Those that a clock that was ahead has marked are found by it. Its expires_at IS NOT NULL keeps a planner from taking it for a list.
CREATE INDEX clients_revived ON clients (expires_at) WHERE expired AND expires_at IS NOT NULL;

-- The clocks of the server processes; in PostgreSQL alone, where there are several.
CREATE TABLE replica_clocks (
    id      text PRIMARY KEY NOT NULL,
    ahead   integer  NOT NULL,
    seen_at datetime NOT NULL
);

-- +goose Down
DROP TABLE replica_clocks;
DROP INDEX clients_revived;
CREATE INDEX audit_events_at ON audit_events (at);
DROP INDEX audit_events_chain_at;
ALTER TABLE audit_chains DROP COLUMN behind;
ALTER TABLE audit_chains DROP COLUMN latest;
