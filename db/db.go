// Package db holds the schema: one folder of goose migrations per database, with the same numbers
// and names in both. A migration that was released is never edited: migrations/released.sha256
// holds what each was.
package db

import "embed"

// Migrations holds migrations/postgres and migrations/sqlite.
//
//go:embed migrations
var Migrations embed.FS
