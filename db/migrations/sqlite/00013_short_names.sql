-- +goose Up
-- Several domains may have one short name; who means one of them names it in full.
DROP INDEX device_domains_short_key;
CREATE INDEX device_domains_short_key ON device_domains (short_key);

-- +goose Down
DROP INDEX device_domains_short_key;
CREATE UNIQUE INDEX device_domains_short_key ON device_domains (short_key);
