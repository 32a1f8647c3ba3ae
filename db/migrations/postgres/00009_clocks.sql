-- +goose Up
-- What is known of the times on a chain, in microseconds: the latest since 1970, and by how much at most an event is earlier than one before it. A minute at
-- least, for the events of replicas of an earlier version, which do not keep it.
ALTER TABLE audit_chains
    ADD COLUMN latest bigint NOT NULL DEFAULT 0,
    ADD COLUMN behind bigint NOT NULL DEFAULT 60000000;
UPDATE audit_chains SET latest = known.latest, behind = GREATEST(audit_chains.behind, known.behind) FROM (
    SELECT chain, (extract(epoch FROM max(at)) * 1000000)::bigint AS latest, (extract(epoch FROM max(lag)) * 1000000)::bigint AS behind
    FROM (SELECT chain, at, max(at) OVER (PARTITION BY chain ORDER BY position) - at AS lag FROM audit_events) AS lags GROUP BY chain
) AS known WHERE known.chain = audit_chains.chain;
CREATE INDEX audit_events_chain_at ON audit_events (chain, at);
DROP INDEX audit_events_at;

-- Those that a clock that was ahead has marked are found by it. Its expires_at IS NOT NULL keeps a planner from taking it for a list.
CREATE INDEX clients_revived ON clients (expires_at) WHERE expired AND expires_at IS NOT NULL;

-- The clocks of the server processes: by how many microseconds one is ahead of the database's, and when that was measured, by the database's.
CREATE TABLE replica_clocks (
    id      text PRIMARY KEY,
    ahead   bigint      NOT NULL,
    seen_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE replica_clocks;
DROP INDEX clients_revived;
CREATE INDEX audit_events_at ON audit_events (at);
DROP INDEX audit_events_chain_at;
ALTER TABLE audit_chains
    DROP COLUMN behind,
    DROP COLUMN latest;
