package api_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// onBoth runs a test on a server with each kind of database.
func onBoth(t *testing.T, test func(t *testing.T, s *wiretest.Server)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, wiretest.Start(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		address := pgtest.URL(t, func(ctx context.Context, url string) error {
			s, err := store.Open(ctx, url)
			if err != nil {
				return err
			}
			_, err = s.MigrateUp(ctx)
			return errors.Join(err, s.Close())
		})
		test(t, wiretest.Start(t, func(s *wiretest.Settings) { s.Config.DatabaseURL = app.URL(address) }))
	})
}
