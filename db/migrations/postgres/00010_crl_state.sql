-- +goose Up
-- What is added to crl_number to get the number that a list carries, in decimal: the number of an imported list that is too large for crl_number.
-- Empty: nothing.
ALTER TABLE cas ADD COLUMN crl_base text NOT NULL DEFAULT '';
-- The latest thisUpdate of all lists of the CA, its own and the imported one. The next list's is later.
ALTER TABLE cas ADD COLUMN crl_this_update timestamptz;
UPDATE cas SET crl_this_update = (SELECT max(this_update) FROM crls WHERE crls.ca_id = cas.id);

-- +goose Down
ALTER TABLE cas DROP COLUMN crl_this_update;
ALTER TABLE cas DROP COLUMN crl_base;
