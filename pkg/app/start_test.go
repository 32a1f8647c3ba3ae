package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestCommands_MakeNoDatabase: without a database, or with an empty file, a command fails and
// changes nothing.
func TestCommands_MakeNoDatabase(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"migrate status", "apikey list", "apikey rotate 1", "apikey revoke 1 --yes",
		"user create --username a", "ca list", "client list", "crl get a", "role list",
		"signing-key rotate", "audit verify", "audit prune --keep 1h", "device export", "device import -",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			o := onSQLite(t)
			outcome := apptest.Command(t, o, strings.Fields(args)...)
			if outcome.Code == 0 || !strings.Contains(outcome.Stderr, "there is no database at ") {
				t.Errorf("code %d, %s", outcome.Code, outcome.Stderr)
			}
			if files := filesIn(t, filepath.Dir(o.DataDir)); len(files) > 0 {
				t.Errorf("it made %q", files)
			}
			o.DataDir = t.TempDir()
			writeFile(t, filepath.Join(o.DataDir, "chaveiro.db"), "", 0o600)
			outcome = apptest.Command(t, o, strings.Fields(args)...)
			if files := filesIn(t, o.DataDir); outcome.Code == 0 || len(files) != 1 ||
				sizeOf(t, filepath.Join(o.DataDir, files[0])) != 0 {
				t.Errorf("with an empty file: code %d, %q", outcome.Code, files)
			}
		})
	}
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestStart_DoesNotBeginAnew: the database of a master key is gone, or empty. A new one is made
// only with --new-database.
func TestStart_DoesNotBeginAnew(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(t *testing.T, o apptest.Options){
		"the file is gone": func(t *testing.T, o apptest.Options) { removeDatabase(t, o) },
		"the file is empty": func(t *testing.T,
			o apptest.Options) {
			removeDatabase(t, o)
			writeFile(t, databaseFile(o), "", 0o600)
		},
		"the file has no table": emptySQLite,
		"the tables are gone":   emptyPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := onSQLite(t)
			if name == "the tables are gone" {
				o = onPostgres(t)
				o.Args = []string{"--auto-migrate"}
			}
			p := apptest.Start(t, o)
			createCA(t, login(t, p), "lost")
			if err := p.Stop(); err != nil {
				t.Fatal(err)
			}
			lose(t, o)
			wantRefusal(t, o, "master.key is there, but its database", "--new-database")
			if outcome := apptest.Command(t, o, "migrate", "up"); outcome.Code == 0 ||
				!strings.Contains(outcome.Stderr, "--new-database") {
				t.Errorf("migrate up: code %d, %s", outcome.Code, outcome.Stderr)
			}
			wantRefusal(t, o, "--new-database") // the refusal has changed nothing
			o.Args = append(o.Args, "--new-database")
			createCA(t, login(t, apptest.Start(t, o)), "new")
		})
	}
}

func databaseFile(o apptest.Options) string { return filepath.Join(o.DataDir, "chaveiro.db") }

func removeDatabase(t *testing.T, o apptest.Options) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.RemoveAll(databaseFile(o) + suffix); err != nil {
			t.Fatal(err)
		}
	}
}

func emptySQLite(t *testing.T, o apptest.Options) {
	t.Helper()
	removeDatabase(t, o)
	if _, err := openDatabase(t, o).ExecContext(t.Context(), "VACUUM"); err != nil {
		t.Fatal(err)
	}
	if _, err := openDatabase(t, o).ExecContext(t.Context(), "PRAGMA journal_mode = WAL"); err != nil {
		t.Fatal(err)
	}
}

func emptyPostgres(t *testing.T, o apptest.Options) {
	t.Helper()
	if _, err := openDatabase(t, o).
		ExecContext(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
		t.Fatal(err)
	}
}

// TestMasterKey_OthersMustNotRead: the refusal names the command that repairs the mode.
func TestMasterKey_OthersMustNotRead(t *testing.T) {
	t.Parallel()
	for mode, good := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o640: false, 0o644: false, 0o604: false, 0o700: false, 0o666: false,
	} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			t.Parallel()
			o := onSQLite(t)
			apptest.MustCommand(t, o, "migrate", "up")
			path := filepath.Join(o.DataDir, "master.key")
			writeFile(t, path, keyText()+"\n", mode)
			if good {
				wantReady(t, apptest.Start(t, o).URL)
				return
			}
			wantRefusal(t, o, "chmod 600 "+path)
			outcome := apptest.Command(t, o, "apikey", "create", "--name", "a")
			if outcome.Code == 0 || !strings.Contains(outcome.Stderr, "chmod 600 "+path) {
				t.Errorf("apikey create: code %d, %s", outcome.Code, outcome.Stderr)
			}
		})
	}
}

// TestStart_SecondServer: an SQLite file has one server. A second one is told which process that
// is, commands may run beside it, and a server that was killed does not block the next one.
func TestStart_SecondServer(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	refused := fmt.Sprintf("another server, process %d, runs on ", p.PID())
	wantRefusal(t, o, refused)
	other := o
	other.DataDir += "/../" + filepath.Base(o.DataDir)
	wantRefusal(t, other, refused)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(databaseFile(o), link); err != nil {
		t.Fatal(err)
	}
	other.DatabaseURL = link
	wantRefusal(t, other, refused)
	createCA(t, login(t, p), "beside")
	p.Kill()
	again := apptest.Start(t, o)
	wantRefusal(t, o, fmt.Sprintf("process %d,", again.PID()))
	if err := again.Stop(); err != nil {
		t.Error(err)
	}
	for _, name := range filesIn(t, o.DataDir) {
		if strings.HasSuffix(name, "-server") {
			t.Errorf("%s is left", name)
		}
	}
}

func TestStart_WarnsOfPlainHTTP(t *testing.T) {
	t.Parallel()
	const words = "plain http on an address that others can reach"
	o := onSQLite(t)
	p := apptest.Start(t, o)
	if strings.Contains(p.Log(), words) {
		t.Error("it warns of the loopback address")
	}
	o = onSQLite(t)
	o.Args = []string{"--listen", "0.0.0.0:0"}
	if p := apptest.Start(t, o); !strings.Contains(p.Log(), words) || !strings.Contains(p.Log(), `"level":"WARN"`) {
		t.Errorf("no warning:\n%s", p.Log())
	}
	o = onSQLite(t)
	o.Args, _ = writeServerTLS(t)
	o.Args = append(o.Args, "--listen", "0.0.0.0:0")
	if p := apptest.Start(t, o); strings.Contains(p.Log(), words) {
		t.Error("it warns of https")
	}
}

func TestStart_LimitsMemory(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	line, err := apptest.Start(t, o).AwaitLog(t.Context(), "memory")
	if err != nil || !strings.HasSuffix(fmt.Sprint(line["limit"]), "MiB") || line["origin"] == "GOMEMLIMIT" {
		t.Errorf("%v (%v)", line, err)
	}
	o = onSQLite(t)
	o.Env = []string{"GOMEMLIMIT=777MiB"}
	line, err = apptest.Start(t, o).AwaitLog(t.Context(), "memory")
	if err != nil || line["limit"] != "777MiB" || line["origin"] != "GOMEMLIMIT" {
		t.Errorf("%v (%v)", line, err)
	}
}
