package store_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// followed is a store with a standby that lists are read from.
type followed struct {
	primary *store.Store
	cluster *pgtest.Cluster // the standby
	direct  *store.Store    // to it
}

func newFollowed(t *testing.T, maxLag time.Duration) *followed {
	t.Helper()
	cluster, s := ownCluster(t)
	standby, err := cluster.Standby(t.Context())
	if err != nil {
		pgtest.GiveUp(t, err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	err = s.ReadFrom(t.Context(), standby.URL("postgres"), maxLag, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &followed{primary: s, cluster: standby, direct: open(t, standby.URL("postgres"))}
}

// awaitUsable waits until lists come from the standby, or do not.
func (f *followed) awaitUsable(t *testing.T, want bool) time.Duration {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		health, ok := f.primary.StandbyHealth()
		if ok && health.Usable == want {
			return time.Since(begun)
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("after %s: %+v", time.Since(begun), health)
		}
	}
}

// names reads the names of all roles as a list does, and tells whether the standby has answered.
func (f *followed) names(t *testing.T) (names []string, fromStandby bool) {
	t.Helper()
	page, err := domain.Stale(t.Context(), f.primary,
		func(ctx context.Context, s domain.Store) (domain.Page[domain.Role], error) {
			reader, err := s.(*store.Store).Reader()
			if err == nil {
				err = reader.QueryRowContext(ctx, "SELECT pg_is_in_recovery()").Scan(&fromStandby)
			}
			if err != nil {
				return domain.Page[domain.Role]{}, err
			}
			return s.Roles().Page(ctx, domain.PageRequest{Size: 100})
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range page.Items {
		names = append(names, one.Name)
	}
	return names, fromStandby
}

func (f *followed) want(t *testing.T, when string, fromStandby bool, count int) {
	t.Helper()
	begun := time.Now()
	names, from := f.names(t)
	if len(names) != count || from != fromStandby {
		t.Errorf("%s: %v, from the standby: %t", when, names, from)
	}
	t.Logf("%s: %s", when, time.Since(begun))
}

func (f *followed) add(t *testing.T, name string) {
	t.Helper()
	role := domain.Role{Name: name, CreatedAt: storeNoon, UpdatedAt: storeNoon}
	if err := f.primary.Roles().Create(t.Context(), &role); err != nil {
		t.Fatal(err)
	}
}

// awaitOnStandby waits until the standby has so many roles.
func (f *followed) awaitOnStandby(t *testing.T, count int) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		page, err := f.direct.Roles().Page(t.Context(), domain.PageRequest{Size: 100})
		if err == nil && len(page.Items) == count {
			return
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("%d roles (%v)", len(page.Items), err)
		}
	}
}

// TestStore_Stale: lists come from the standby while it follows, and from the primary while it
// lags, stands still or is away. Nothing is written by what is for reading.
func TestStore_Stale(t *testing.T) {
	t.Parallel()
	f := newFollowed(t, 2*time.Second)
	f.add(t, "one")
	f.awaitOnStandby(t, 1)
	f.awaitUsable(t, true)
	f.want(t, "it follows", true, 1)
	err := f.primary.Stale(t.Context(), func(ctx context.Context, s domain.Store) error {
		if s == domain.Store(f.primary) {
			return nil
		}
		return s.Roles().Create(ctx, &domain.Role{Name: "of the standby"})
	})
	if err != nil {
		t.Error(err)
	}
	f.awaitUsable(t, true)

	execute(t, writer(t, f.direct), "SELECT pg_wal_replay_pause()")
	f.add(t, "two")
	t.Logf("it lags: noticed after %s", f.awaitUsable(t, false))
	f.want(t, "it lags", false, 2)
	execute(t, writer(t, f.direct), "SELECT pg_wal_replay_resume()")
	f.awaitUsable(t, true)
	f.awaitOnStandby(t, 2)
	f.want(t, "it follows again", true, 2)

	thaw := freeze(t, f.cluster)
	f.want(t, "it stands still", false, 2)
	f.want(t, "it still does", false, 2)
	thaw()
	t.Logf("used again after %s", f.awaitUsable(t, true))
	f.want(t, "it goes on", true, 2)

	if err := f.cluster.Down(); err != nil {
		t.Fatal(err)
	}
	f.want(t, "it is gone", false, 2)
	if err := f.cluster.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("used again after %s", f.awaitUsable(t, true))
	f.want(t, "it is back", true, 2)
}

// TestStore_ReadFrom_Itself: a primary is no standby: lists come from where they always come from.
func TestStore_ReadFrom_Itself(t *testing.T) {
	t.Parallel()
	cluster, s := ownCluster(t)
	if err := s.ReadFrom(t.Context(), "chaveiro.db", time.Second, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file was taken for a standby")
	}
	err := s.ReadFrom(t.Context(), cluster.URL("postgres"), time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if health, ok := s.StandbyHealth(); !ok || health.Usable {
		t.Errorf("%+v", health)
	}
}
