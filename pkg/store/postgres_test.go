package store_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// TestPostgres also looks whether other databases than PostgreSQL would know its statements.
func TestPostgres(t *testing.T) {
	t.Parallel()
	statements := newPortability()
	t.Cleanup(func() { statements.check(t) })
	storetest.Run(t, func(t *testing.T) domain.Store { return statements.watch(open(t, postgresURL(t))) })
}

// TestPostgres_Serializable runs the suite under the isolation that distributed databases which
// speak the protocol of PostgreSQL have by default, with transactions whose first run is rolled
// back.
func TestPostgres_Serializable(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) domain.Store {
		s := open(t, serializableURL(t))
		s.Rehearse(true)
		return s
	})
}

func serializableURL(t testing.TB) string {
	return postgresURL(t) + "&default_transaction_isolation=serializable"
}

// postgresURL is the URL of a new, migrated database.
func postgresURL(t testing.TB) string {
	t.Helper()
	return pgtest.URL(t, migrateTemplate)
}

func migrateTemplate(ctx context.Context, url string) error {
	s, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	_, err = s.MigrateUp(ctx)
	return errors.Join(err, s.Close())
}
