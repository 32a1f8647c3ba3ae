-- +goose Up
-- Checkpoints are numbered from 1 without a gap, and each has the hash of the one before; 0: one of before, without.
ALTER TABLE audit_checkpoints
    ADD COLUMN number   bigint NOT NULL DEFAULT 0,
    ADD COLUMN previous bytea  NOT NULL DEFAULT ''::bytea;
CREATE UNIQUE INDEX audit_checkpoints_number ON audit_checkpoints (number) WHERE number > 0;

-- +goose Down
DROP INDEX audit_checkpoints_number;
ALTER TABLE audit_checkpoints
    DROP COLUMN previous,
    DROP COLUMN number;
