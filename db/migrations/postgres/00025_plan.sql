-- +goose Up
-- The IP plan of one instance is listed by id.
CREATE INDEX networks_plan ON networks (instance_id, id);
-- +goose Down
DROP INDEX networks_plan;
