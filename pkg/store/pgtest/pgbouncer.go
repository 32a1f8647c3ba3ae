package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// errNoPgBouncer says that the program is not there.
var errNoPgBouncer = errors.New(
	"pgtest: pgbouncer not found: install it (scripts/setup.sh pgbouncer, or apt-get install pgbouncer)",
)

// PgBouncer runs a PgBouncer in transaction mode before the database of a URL of [URL], and returns
// the URL by which it is reached. more are further lines of its configuration. It ends with the
// test.
func PgBouncer(t testing.TB, location string, more ...string) string {
	t.Helper()
	program, err := findPgBouncer()
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	direct, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(tempRoot, "chaveiro-pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := startPgBouncer(t, program, dir, direct, more); err != nil {
		t.Fatal(err)
	}
	query := url.Values{"host": {dir}, "port": {bouncerPort}, "user": {superuser}}
	pooled := (&url.URL{Scheme: "postgres", Path: direct.Path, RawQuery: query.Encode()}).String()
	awaitPgBouncer(t, pooled, dir)
	return pooled
}

// bouncerPort is a part of the socket's name: nothing listens on the network.
const bouncerPort = "6432"

func findPgBouncer() (string, error) {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path, nil
	}
	if _, err := os.Stat("/usr/sbin/pgbouncer"); err == nil {
		return "/usr/sbin/pgbouncer", nil
	}
	return "", errNoPgBouncer
}

// startPgBouncer starts it with few sessions of the server, so that its clients change between
// them.
func startPgBouncer(t testing.TB, program, dir string, direct *url.URL, more []string) error {
	lines := append([]string{
		"[databases]", fmt.Sprintf("* = host=%s user=%s", direct.Query().Get("host"), superuser),
		"[pgbouncer]", "listen_addr =", "listen_port = " + bouncerPort, "unix_socket_dir = " + dir, "auth_type = any",
		"pool_mode = transaction",
		"auth_file = " + filepath.Join(dir, "users"), "default_pool_size = 4", "max_client_conn = 200",
		"logfile = " + filepath.Join(dir, "log"),
	}, more...)
	text := strings.Join(lines, "\n") + "\n"
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := errors.Join(
		os.WriteFile(file, []byte(text), 0o644),
		os.WriteFile(filepath.Join(dir, "users"), []byte("\"postgres\" \"\"\n"), 0o644),
	); err != nil {
		return err
	}
	owner, err := serverOwner()
	if err != nil {
		return err
	}
	if owner != nil {
		if err := os.Chown(dir, int(owner.uid), int(owner.gid)); err != nil {
			return err
		}
	}
	server := exec.Command(program, "-q", file)
	server.Dir, server.Env, server.SysProcAttr = dir, environ(), owner.procAttr()
	exited := make(chan struct{})
	if err := startTethered(server, syscall.SIGKILL, exited); err != nil {
		return err
	}
	t.Cleanup(func() {
		_ = server.Process.Kill() // an error means that it is gone
		<-exited
	})
	return nil
}

func awaitPgBouncer(t testing.TB, location, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, location)
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("pgbouncer does not answer: %v\n%s", err, log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
