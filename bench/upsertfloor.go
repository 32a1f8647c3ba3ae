package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/pam"
)

// The table and the statement of the floor of upserts: one row, with texts where the product has
// names, words and an event of the audit.
const (
	registeredColumns = `hostname text NOT NULL UNIQUE, ip text NOT NULL, model text NOT NULL, type text NOT NULL, vendor text NOT NULL, ` +
		`site text NOT NULL, tags text NOT NULL, connectivities text NOT NULL, `
	registeredPostgres = `CREATE TABLE registered (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ` +
		registeredColumns + `updated_at timestamptz NOT NULL)`
	registeredSQLite = `CREATE TABLE registered (id integer PRIMARY KEY, ` + registeredColumns +
		`updated_at datetime NOT NULL)`
	upsertSQL = `INSERT INTO registered (hostname, ip, model, type, vendor, site, tags, connectivities, updated_at) VALUES ` +
		`($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hostname) DO UPDATE SET ip = excluded.ip, model = excluded.model, type = excluded.type, ` +
		`vendor = excluded.vendor, site = excluded.site, tags = excluded.tags, connectivities = excluded.connectivities, ` +
		`updated_at = excluded.updated_at RETURNING id`
)

func registered(d gen.DeviceUpsert) []any {
	return []any{
		d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site, *d.DeviceTags, *d.Connectivities, time.Now().UTC(),
	}
}

func (f pgFloor) upsert(ctx context.Context, d gen.DeviceUpsert) (id int64, err error) {
	err = f.write.QueryRow(ctx, upsertSQL, registered(d)...).Scan(&id)
	return id, err
}

func (f *liteFloor) upsert(ctx context.Context, d gen.DeviceUpsert) (id int64, err error) {
	err = f.put.QueryRowContext(ctx, registered(d)...).Scan(&id)
	return id, err
}

// upsert stores one row, durably, and answers with its id.
func (f *floor) upsert(c echo.Context) error {
	var device gen.DeviceUpsert
	if err := json.NewDecoder(c.Request().Body).Decode(&device); err != nil {
		return err
	}
	id, err := f.db.upsert(c.Request().Context(), device)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, map[string]int64{"id": id})
}
