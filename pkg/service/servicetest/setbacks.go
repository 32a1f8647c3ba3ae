package servicetest

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/store/setbacktest"
)

// SetBack runs a test on each engine. keep takes a copy of the database's state and returns what
// restores it.
func SetBack(t *testing.T, run func(t *testing.T, w *World, keep func() (restore func()))) {
	SetBackLogged(t, func(t *testing.T, w *World, _ *LockedBuffer, keep func() func()) { run(t, w, keep) })
}

// SetBackLogged is SetBack with the log.
func SetBackLogged(t *testing.T, run func(t *testing.T, w *World, log *LockedBuffer, keep func() (restore func()))) {
	for engine, locate := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return filepath.Join(t.TempDir(), "chaveiro.db") },
		"postgres": func(t *testing.T) string {
			return pgtest.URL(t, func(ctx context.Context, url string) error {
				s, err := store.Open(ctx, url)
				if err != nil {
					return err
				}
				_, err = s.MigrateUp(ctx)
				return errors.Join(err, s.Close())
			})
		},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			location := locate(t)
			s := openStore(t, location)
			Must(s.MigrateUp(t.Context()))(t)
			log := &LockedBuffer{}
			w := WorldOn(t, s, slog.NewJSONHandler(log, nil))
			run(t, w, log, func() func() { return setbacktest.Take(t, location) })
		})
	}
}
