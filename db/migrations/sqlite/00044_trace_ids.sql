-- +goose Up
-- The trace (W3C Trace Context) in which something was done, in hexadecimal; empty: none. It is part of the digest of an event of the audit.
ALTER TABLE audit_events ADD COLUMN trace_id text NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN trace_id text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN trace_id;
ALTER TABLE audit_events DROP COLUMN trace_id;
