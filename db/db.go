// Package db holds the schema: goose migrations, in one folder a database, with the same numbers
// and names in both. A released migration is never edited: migrations/released.sha256 has their
// checksums.
package db

import "embed"

// Migrations holds migrations/postgres and migrations/sqlite.
//
//go:embed migrations
var Migrations embed.FS
