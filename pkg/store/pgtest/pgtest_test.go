package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const childVariable = "CHAVEIRO_PGTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		startAndDie()
	}
	os.Exit(Main(m))
}

var migrations atomic.Int32

func migrate(ctx context.Context, url string) error {
	migrations.Add(1)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE TABLE site (name text PRIMARY KEY)")
	return err
}

func TestURL(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprintf("parallel databases are independent %d", i), func(t *testing.T) {
			t.Parallel()
			conn := connect(t, URL(t, migrate))
			// A shared database would refuse the second insertion of this key.
			if _, err := conn.Exec(t.Context(), "INSERT INTO site VALUES ('lisboa')"); err != nil {
				t.Fatal(err)
			}
			if n := migrations.Load(); n != 1 {
				t.Errorf("migrated %d times, want once", n)
			}
		})
	}
}

func TestURL_DropsItsDatabase(t *testing.T) {
	var url string
	t.Run("a test that leaves a connection open", func(t *testing.T) {
		url = URL(t, migrate)
		if _, err := pgx.Connect(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	})
	if url == "" {
		t.Skip("no PostgreSQL")
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err == nil {
		conn.Close(t.Context())
		t.Error("the database is still there after its test")
	}
}

func TestStart_Settings(t *testing.T) {
	t.Parallel()
	Long(t)
	for _, durable := range []bool{false, true} {
		t.Run(fmt.Sprintf("durable %t", durable), func(t *testing.T) {
			c := start(t, Config{Durable: durable})
			want := map[bool]string{false: "off", true: "on"}[durable]
			conn := connect(t, c.URL("postgres"))
			for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
				if got := show(t, conn, name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if got := show(t, conn, "listen_addresses"); got != "" {
				t.Errorf("listens on %q, want the unix socket alone", got)
			}
		})
	}
}

func TestStop_LeavesNothing(t *testing.T) {
	t.Parallel()
	Long(t)
	c := start(t, Config{})
	if err := c.CreateDatabase(t.Context(), `odd "name"`); err != nil {
		t.Fatal(err)
	}
	connect(t, c.URL(`odd "name"`))
	for range 2 {
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if alive(c.server.Process.Pid) {
		t.Error("the server still runs")
	}
	if _, err := os.Stat(c.dir.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", c.dir.path, err)
	}
}

func TestStart_KeptData(t *testing.T) {
	t.Parallel()
	Long(t)
	cfg := Config{Data: filepath.Join(t.TempDir(), "data")}
	reachable(t, filepath.Dir(cfg.Data))
	first := start(t, cfg)
	if err := first.CreateDatabase(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first.dir.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", first.dir.path, err)
	}
	second := start(t, cfg)
	connect(t, second.URL("kept"))
	if log := second.Log(); !strings.Contains(log, "was shut down at") {
		t.Errorf("the first server was not shut down in order: %s", log)
	}
	for range 2 {
		if err := second.DropDatabase(t.Context(), "kept"); err != nil {
			t.Fatal(err)
		}
	}
}

// reachable lets the server's account through the directories of a test.
func reachable(t *testing.T, dir string) {
	t.Helper()
	for ; dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKilledProcessLeavesNoServer(t *testing.T) {
	t.Parallel()
	Long(t)
	requirePrograms(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	var stdout, stderr bytes.Buffer
	child.Stdout, child.Stderr = &stdout, &stderr
	err := child.Run()
	var pid int
	var dir string
	if _, scanErr := fmt.Sscan(stdout.String(), &pid, &dir); scanErr != nil {
		t.Fatalf("the child said %q: %v, %v\n%s", stdout.String(), scanErr, err, stderr.String())
	}
	eventually(t, "the server is gone", func() bool { return !alive(pid) })
	eventually(t, "its directory is swept", func() bool {
		sweep(filepath.Dir(dir))
		_, err := os.Stat(dir)
		return errors.Is(err, os.ErrNotExist)
	})
}

// startAndDie is the child of TestKilledProcessLeavesNoServer.
func startAndDie() {
	c, err := Start(context.Background(), Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.server.Process.Pid, c.dir.path)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func start(t *testing.T, cfg Config) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), cfg)
	if err != nil {
		GiveUp(t, err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

func requirePrograms(t *testing.T) {
	t.Helper()
	if _, err := findPrograms(); err != nil {
		GiveUp(t, err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func show(t *testing.T, conn *pgx.Conn, setting string) (value string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SHOW "+setting).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// alive counts a process that nobody has reaped yet as gone.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Errorf("not within 5 s: %s", what)
}
