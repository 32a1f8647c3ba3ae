-- +goose Up
-- Imports of devices that are not finished: who asked for them, whether all their rows are there and will be stored, and when somebody last worked at them.
-- And their rows, as JSON, until each is stored.
CREATE TABLE device_imports (
    id       integer PRIMARY KEY AUTOINCREMENT,
    author   text    NOT NULL,
    decided  boolean NOT NULL,
    alive_at datetime NOT NULL
);
CREATE TABLE device_import_rows (
    import_id integer NOT NULL,
    place     integer NOT NULL,
    spec      text NOT NULL,
    PRIMARY KEY (import_id, place)
);

-- The import that made a device; 0: none that was stored in parts. No list has it before that is finished.
ALTER TABLE devices ADD COLUMN import_id integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE devices DROP COLUMN import_id;
DROP TABLE device_import_rows;
DROP TABLE device_imports;
