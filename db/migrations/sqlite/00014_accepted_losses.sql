-- +goose Up
-- What an operator has accepted as lost, as JSON; the signature covers the text. Empty: the checkpoint accepts nothing, and is signed as before.
ALTER TABLE audit_checkpoints ADD COLUMN loss text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE audit_checkpoints DROP COLUMN loss;
