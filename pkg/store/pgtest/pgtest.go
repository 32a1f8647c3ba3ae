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

// The databases that others are copies of: PostgreSQL's own, and the one that is migrated.
const (
	emptyTemplate = "template1"
	template      = "chaveiro_template"
)

// shared is the cluster of this test binary. started covers the start of the
// server, migrated the template; what failed is what every later caller gets, too.
var shared struct {
	started     sync.Once
	cluster     *Cluster
	err         error
	migrated    sync.Once
	templateErr error
	clones      atomic.Int64 // databases that were made; it numbers the next
}

// URL returns the address of a fresh, migrated database that belongs to t alone
// and is dropped when t ends. The first call in a test binary starts the server
// and runs migrate, which must close its connections before it returns, against
// the template; later calls ignore migrate. With a nil migrate the database is
// empty. With -short the test is skipped.
func URL(t testing.TB, migrate func(ctx context.Context, url string) error) string {
	t.Helper()
	Long(t)
	// No test's context fits the start and the template: they outlive the test.
	shared.started.Do(func() { shared.cluster, shared.err = Start(context.Background(), Config{}) })
	if shared.err != nil {
		GiveUp(t, shared.err)
	}
	from := emptyTemplate
	if migrate != nil {
		shared.migrated.Do(func() { shared.templateErr = makeTemplate(context.Background(), shared.cluster, migrate) })
		if shared.templateErr != nil {
			t.Fatal(shared.templateErr)
		}
		from = template
	}
	name := fmt.Sprintf("test_%d", shared.clones.Add(1))
	if err := shared.cluster.clone(t.Context(), name, from); err != nil {
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

// makeTemplate makes the database that others are copies of.
func makeTemplate(ctx context.Context, c *Cluster, migrate func(context.Context, string) error) error {
	if err := c.CreateDatabase(ctx, template); err != nil {
		return err
	}
	if err := migrate(ctx, c.URL(template)); err != nil {
		return fmt.Errorf("pgtest: migrating the template: %w", err)
	}
	return nil
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
