// Package pgtest runs a throw-away PostgreSQL for tests and measurements: a real
// server in a temporary directory, reachable only through a unix socket in it.
//
// A test binary has one cluster, started by the first call of [URL] and stopped
// by [Main]. The migrations run once, in a template database; every test gets
// its own copy of that template, so tests share nothing and may run in parallel.
//
// It imports the standard library and pgx, and knows neither GORM nor goose:
// the caller brings the migration. Without the PostgreSQL programs tests are
// skipped, except under CI=true, where a skipped test would look like a passed one.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

const template = "chaveiro_template"

// shared is the cluster of this test binary. once covers the start of the
// server and the migration; err is what every later caller gets, too.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
	clones  atomic.Int64 // databases that were made; it numbers the next
}

// URL returns the address of a fresh, migrated database that belongs to t alone
// and is dropped when t ends. The first call in a test binary starts the server
// and runs migrate, which must close its connections before it returns, against
// the template; later calls ignore migrate. A nil migrate leaves the template
// empty. With -short the test is skipped.
func URL(t testing.TB, migrate func(ctx context.Context, url string) error) string {
	t.Helper()
	Long(t)
	shared.once.Do(func() { shared.cluster, shared.err = startMigrated(migrate) })
	if shared.err != nil {
		GiveUp(t, shared.err)
	}
	name := fmt.Sprintf("test_%d", shared.clones.Add(1))
	if err := shared.cluster.clone(t.Context(), name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, shared.cluster, name) })
	return shared.cluster.URL(name)
}

// Long skips a test that needs a server when the tests run with -short.
func Long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs PostgreSQL, which -short leaves out")
	}
}

// Main runs the tests and then stops this binary's cluster, if one was started.
// It is for TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if shared.cluster == nil {
		return code
	}
	if err := shared.cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// startMigrated returns the cluster even when the migration fails, so that
// [Main] can stop it. No test's context fits here: the cluster outlives them.
func startMigrated(migrate func(context.Context, string) error) (*Cluster, error) {
	ctx := context.Background()
	c, err := Start(ctx, Config{})
	if err != nil {
		return nil, err
	}
	if err := c.CreateDatabase(ctx, template); err != nil {
		return c, err
	}
	if migrate == nil {
		return c, nil
	}
	if err := migrate(ctx, c.URL(template)); err != nil {
		return c, fmt.Errorf("pgtest: migrating the template: %w", err)
	}
	return c, nil
}

// GiveUp ends a test that has no server because of err: it is skipped when PostgreSQL
// is not installed, except under CI=true, and fails otherwise.
func GiveUp(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrNotInstalled) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	t.Fatal(err)
}

func drop(t testing.TB, c *Cluster, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := c.drop(ctx, name); err != nil {
		t.Error(err)
	}
}
