package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// parallel is how many of these tests run at once. Most of them wait for other programs: for what
// OpenVPN takes its time for, for a lease of a minute.
const parallel = 8

func TestMain(m *testing.M) {
	flag.Parse()
	if at := flag.Lookup("test.parallel"); at.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := at.Value.Set(strconv.Itoa(max(parallel, runtime.GOMAXPROCS(0)))); err != nil {
			panic(err)
		}
	}
	code := pgtest.Main(m)
	if err := apptest.Clean(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// The routes of the api dialect that the tests use.
const (
	cas           = "/api/openvpn/cas"
	clients       = "/api/openvpn/clients/site2site"
	certificates  = "/api/openvpn/certificates"
	instancesPath = "/api/openvpn/instances"
)

func caPath(id int64, part string) string     { return fmt.Sprintf("%s/%d%s", cas, id, part) }
func clientPath(id int64, part string) string { return fmt.Sprintf("%s/%d%s", clients, id, part) }

// object is a JSON object to send.
type object = map[string]any

// record is what the tests read of a CA or a client.
type record struct {
	ID         int64  `json:"id"`
	CAID       int64  `json:"ca_id"`
	Name       string `json:"name"`
	Revoked    bool   `json:"revoked"`
	ExpiryDate string `json:"expiry_date"`
}

// onSQLite is an empty data directory.
func onSQLite(t *testing.T) apptest.Options {
	t.Helper()
	return apptest.Options{DataDir: filepath.Join(t.TempDir(), "data")}
}

// onEmptyPostgres is an empty data directory and an empty database.
func onEmptyPostgres(t *testing.T) apptest.Options {
	t.Helper()
	o := onSQLite(t)
	o.DatabaseURL = pgtest.URL(t, nil)
	return o
}

// onPostgres is a database that `migrate up` has prepared, and a data directory with a new master
// key. The database is a copy: the program migrates one in a test binary.
func onPostgres(t *testing.T) apptest.Options {
	t.Helper()
	o, binary, scratch := onSQLite(t), apptest.Binary(t), onSQLite(t)
	o.DatabaseURL = pgtest.URL(t, func(_ context.Context, url string) error {
		scratch.DatabaseURL = url
		return apptest.Migrate(binary, scratch)
	})
	key := filepath.Join(o.DataDir, "master.key")
	if err := errors.Join(os.Mkdir(o.DataDir, 0o700), os.WriteFile(key, []byte(keyText()+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return o
}

// onBoth runs a test on both engines at once.
func onBoth(t *testing.T, test func(t *testing.T, o apptest.Options)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, onSQLite(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, onPostgres(t))
	})
}

// login makes an apikey and returns a client that uses it.
func login(t *testing.T, p *apptest.Process) *apptest.Client {
	t.Helper()
	token, err := p.Token(t.Context(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return &apptest.Client{URL: p.URL, Token: token}
}

// create posts an object that must be accepted, and returns the record of it.
func create(t *testing.T, c *apptest.Client, path string, in object) record {
	t.Helper()
	var out record
	if err := c.Do(t.Context(), http.MethodPost, path, in, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func createCA(t *testing.T, c *apptest.Client, name string) record {
	t.Helper()
	return create(t, c, cas, object{"name": name, "email": "ca@example.com"})
}

func createClient(t *testing.T, c *apptest.Client, caID int64, name string) record {
	t.Helper()
	return create(t, c, clients, object{"ca_id": caID, "name": name, "email": "site@example.com"})
}

func get(t *testing.T, c *apptest.Client, path string) []byte {
	t.Helper()
	body, err := c.Bytes(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func revoke(t *testing.T, c *apptest.Client, id int64) {
	t.Helper()
	if err := c.Do(t.Context(), http.MethodDelete, clientPath(id, ""), nil, nil); err != nil {
		t.Fatal(err)
	}
}

// statusOf is the status of an answer that Do has turned into an error; 0: there was no answer.
func statusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	if refused, ok := errors.AsType[*apptest.StatusError](err); ok {
		return refused.Status
	}
	return 0
}

// wantReady checks that the server says it is ready, and all its checks.
func wantReady(t *testing.T, url string) {
	t.Helper()
	c := &apptest.Client{URL: url}
	if body, err := c.Bytes(t.Context(), "/readyz"); err != nil {
		t.Errorf("readyz: %v %s", err, body)
	}
}

// wantQuiet checks that the log has no line above info, and no line that is not JSON, such as the
// trace of a panic.
func wantQuiet(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var entry struct{ Level string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level != "INFO" && entry.Level != "DEBUG" {
			t.Errorf("in the log: %s", line)
		}
	}
}

// requireProgram returns the path of a program of the system that a test needs.
func requireProgram(t *testing.T, name, hint string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s not found: %s", name, hint)
	}
	t.Skipf("%s not found: %s", name, hint)
	return ""
}
