package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// The migrations of the programs of the next two versions. The first adds, with a lock of a table
// that is written to; the second takes away what the first has added.
const (
	expanding = `-- +goose Up
ALTER TABLE clients ADD COLUMN later text NOT NULL DEFAULT '';
CREATE TABLE later (id integer PRIMARY KEY);
-- +goose Down
DROP TABLE later;
ALTER TABLE clients DROP COLUMN later;
`
	contractingOne = `-- chaveiro: oldest 900
-- +goose Up
DROP TABLE later;
-- +goose Down
CREATE TABLE later (id integer PRIMARY KEY);
`
)

// laterProgram builds the program with more migrations, by their numbers.
func laterProgram(t *testing.T, migrations map[int]string) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	for number, text := range migrations {
		for _, engine := range []string{"postgres", "sqlite"} {
			name := fmt.Sprintf("%05d_later.sql", number)
			path := filepath.Join(dir, engine+name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			replace[filepath.Join(root, "db", "migrations", engine, name)] = path
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := apptest.Build(t.Context(), dir, "-overlay", filepath.Join(dir, "overlay.json")); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "chaveiro")
}

// upgrade is a database with servers of several versions.
type upgrade struct {
	options apptest.Options
	ca      int64
	names   atomic.Int64 // that were used
}

func (u *upgrade) run(t *testing.T, binary string, code int, want string, args ...string) {
	t.Helper()
	got, err := apptest.Execute(t.Context(), binary, u.options, args...)
	if err != nil || got.Code != code || !strings.Contains(got.Stdout+got.Stderr, want) {
		t.Errorf("%v: code %d, want %d with %q (%v)\n%s%s", args, got.Code, code, want, err, got.Stdout, got.Stderr)
	}
}

func (u *upgrade) launch(t *testing.T, binary string) *apptest.Process {
	t.Helper()
	p, err := apptest.Launch(t.Context(), binary, u.options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// load makes clients at each server, and reads and revokes them at the next one, until it is
// stopped. It returns how many it has made.
func (u *upgrade) load(t *testing.T, servers ...*apptest.Client) (stop func() int) {
	t.Helper()
	var group sync.WaitGroup
	ended, made := make(chan struct{}), make(chan struct{}, 1<<16)
	for i, c := range servers {
		other := servers[(i+1)%len(servers)]
		group.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				if err := u.pass(t, c, other, fmt.Sprintf("site-%d", u.names.Add(1))); err != nil {
					t.Errorf("from %s to %s: %v", c.URL, other.URL, err)
					return
				}
				made <- struct{}{}
			}
		})
	}
	return func() int {
		close(ended)
		group.Wait()
		return len(made)
	}
}

func (u *upgrade) pass(t *testing.T, c, other *apptest.Client, name string) error {
	var r record
	in := object{"name": name, "ca_id": u.ca, "email": "noc@example.com"}
	err := c.Do(t.Context(), http.MethodPost, clients, in, &r)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("%s/%d", clients, r.ID)
	if err := other.Do(t.Context(), http.MethodGet, path, nil, &record{}); err != nil {
		return err
	}
	return other.Do(t.Context(), http.MethodDelete, path, nil, nil)
}

func wantMade(t *testing.T, count int, when string) {
	t.Helper()
	t.Logf("%d clients were made %s", count, when)
	if count == 0 {
		t.Error("there was no load")
	}
}

// TestUpgrade_SideBySide: the schema of the next version is put in place under load, beside servers
// of this version, which go on and start again, with servers of the next one beside them. What
// takes something away waits until they have ended, and after it they say why they do not start.
func TestUpgrade_SideBySide(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds programs")
	}
	next := laterProgram(t, map[int]string{900: expanding})
	last := laterProgram(t, map[int]string{900: expanding, 901: contractingOne})
	u := &upgrade{options: onPostgres(t)}
	now := apptest.Binary(t)
	first := u.launch(t, now)
	c := login(t, first)
	u.ca = create(t, c, cas, object{"name": "ca", "email": "noc@example.com"}).ID
	stop := u.load(t, c, c)
	u.run(t, next, 0, "applied 00900_later.sql (1 of 1", "migrate", "up")
	second := u.launch(t, next)
	time.Sleep(2 * time.Second)
	wantMade(t, stop(), "while the schema changed")
	d := &apptest.Client{URL: second.URL, Token: c.Token}
	stop = u.load(t, c, d)
	again := u.launch(t, now)
	time.Sleep(3 * time.Second)
	wantMade(t, stop(), "by one version and revoked by another")
	e := &apptest.Client{URL: again.URL, Token: c.Token}
	for _, one := range []*apptest.Client{c, d, e} {
		if err := one.Do(t.Context(), http.MethodGet, "/readyz", nil, nil); err != nil {
			t.Errorf("%s is not ready: %v", one.URL, err)
		}
	}
	u.run(t, now, 0, "newer version", "migrate", "status")
	u.run(t, now, 0, "up to date", "migrate", "up")
	u.run(t, last, 1, "servers of an earlier version run", "migrate", "up")
	for _, p := range []*apptest.Process{first, again} {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
	stop = u.load(t, d, d)
	u.run(t, last, 0, "applied 00901_later.sql", "migrate", "up")
	wantMade(t, stop(), "while something was taken away")
	u.run(t, now, 1, store.ErrNewerSchema.Error(), "client", "list")
	refused, err := apptest.Spawn(now, u.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := refused.Wait(); err == nil || !strings.Contains(refused.Log(), "newer version") {
		t.Errorf("a program that can't live with the schema: %v\n%s", err, refused.Log())
	}
}
