-- +goose Up
-- Counts the changes of the sites of an instance, so that its agent need not read them to know that there are none.
ALTER TABLE instances ADD COLUMN revision integer NOT NULL DEFAULT 0;
-- The instances to which an apikey is bound: ids with spaces between them; empty is no binding.
ALTER TABLE apikeys ADD COLUMN instances text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE apikeys DROP COLUMN instances;
ALTER TABLE instances DROP COLUMN revision;
