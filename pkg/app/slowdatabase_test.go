package app_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// slowly carries connections to a socket of PostgreSQL, and keeps each piece of an answer for a
// while. It returns the directory of its own socket.
func slowly(t *testing.T, target string, wait *atomic.Int64) string {
	t.Helper()
	dir := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, filepath.Base(target)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(server, client)
				_ = errors.Join(server.Close(), client.Close())
			}()
			go func() {
				_, _ = io.Copy(late{client, wait}, server)
				_ = errors.Join(server.Close(), client.Close())
			}()
		}
	}()
	return dir
}

// late writes everything a while later.
type late struct {
	to   io.Writer
	wait *atomic.Int64
}

func (l late) Write(b []byte) (int, error) {
	time.Sleep(time.Duration(l.wait.Load()))
	return l.to.Write(b)
}

// TestOutage_SlowDatabase: each round trip to the database takes 300 ms, and more ask than it can
// answer. Everyone has an answer before a caller with a timeout of 15 s gives up: what was asked
// for, or when to come again. When the database is fast again, all are served.
func TestOutage_SlowDatabase(t *testing.T) {
	t.Parallel()
	direct, cluster := onOwnCluster(t, pgtest.Config{})
	var wait atomic.Int64
	slow := direct
	query := url.Values{
		"host": {slowly(t, filepath.Join(cluster.Dir(), ".s.PGSQL.5432"), &wait)}, "user": {"postgres"},
		"pool_max_conns": {"8"},
	}
	slow.DatabaseURL = (&url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: query.Encode()}).String()
	c := login(t, apptest.Start(t, slow))
	site := createClient(t, c, createCA(t, c, "slow").ID, "site")
	wait.Store(int64(300 * time.Millisecond))
	begin := time.Now()
	served, shed := askAtOnce(t, c, site, 400)
	t.Logf("%d served and %d told to come again, within %v", served, shed, time.Since(begin))
	if served < 50 || shed == 0 {
		t.Errorf("%d were served, and %d were told to come again", served, shed)
	}
	wait.Store(0)
	for deadline := time.Now().Add(5 * time.Second); ; {
		if _, shed = askAtOnce(t, c, site, 20); shed == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of 20 are told to come again, 5 s later", shed)
		}
	}
}

// askAtOnce has many callers read a client at once, each with a timeout of 15 s.
func askAtOnce(t *testing.T, c *apptest.Client, site record, callers int) (served, shed int) {
	t.Helper()
	var mu sync.Mutex // guards the counts
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+clientPath(site.ID, ""), nil)
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("Authorization", "Bearer "+c.Token)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case response.StatusCode == http.StatusOK:
				served++
			case response.StatusCode >= 500 && response.Header.Get("Retry-After") != "":
				shed++
			default:
				t.Errorf("%d", response.StatusCode)
			}
		})
	}
	group.Wait()
	return served, shed
}
