package app_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// keyText is the text of a new master key.
func keyText() string {
	_, text := seal.GenerateKeyring()
	return strings.TrimSpace(string(text))
}

// filesIn lists a directory. A missing directory has no files.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// wantRefusal runs serve, which must end at once with an error that has these words.
func wantRefusal(t *testing.T, o apptest.Options, words ...string) {
	t.Helper()
	outcome := apptest.Command(t, o, append([]string{"serve", "--listen", "127.0.0.1:0"}, o.Args...)...)
	if outcome.Code == 0 || strings.Contains(outcome.Stderr, "panic") || outcome.Stdout != "" {
		t.Errorf("code %d, stdout %q, stderr %q", outcome.Code, outcome.Stdout, outcome.Stderr)
	}
	last := lastLine(outcome.Stderr)
	for _, word := range words {
		if !strings.Contains(last, word) {
			t.Errorf("no %q in the error: %s", word, last)
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestStorage_IsReadableByNobodyElse(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	createCA(t, login(t, p), "modes") // so that there is a write-ahead log
	for name, want := range map[string]fs.FileMode{
		"": fs.ModeDir | 0o700, "master.key": 0o600, "chaveiro.db": 0o600, "chaveiro.db-wal": 0o600,
		"chaveiro.db-shm": 0o600,
	} {
		info, err := os.Stat(filepath.Join(o.DataDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%q: %s, want %s", name, info.Mode(), want)
		}
	}
}

func TestMasterKey_FromTheEnvironment(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "from the environment")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	c.URL = apptest.Start(t, o).URL
	createClient(t, c, authority.ID, "site") // opens the CA's key
	if files := filesIn(t, o.DataDir); slices.Contains(files, "master.key") {
		t.Errorf("files: %q", files)
	}
}

func TestMasterKey_FromAFile(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	path := filepath.Join(t.TempDir(), "key")
	text := keyText() + "\n"
	if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	o.Env = []string{"CHAVEIRO_MASTER_KEY_FILE=" + path}
	c := login(t, apptest.Start(t, o))
	createCA(t, c, "from a file")
	kept, err := os.ReadFile(path)
	if err != nil || string(kept) != text || slices.Contains(filesIn(t, o.DataDir), "master.key") {
		t.Errorf("the file was changed or another was made: %v", err)
	}
}

// TestMasterKey_Refusals: each case is a start on data that another key has sealed.
func TestMasterKey_Refusals(t *testing.T) {
	t.Parallel()
	const encoded = "bm90IGEga2V5"
	for name, test := range map[string]struct {
		spoil func(t *testing.T, o *apptest.Options)
		words []string
	}{
		"the file is missing": {func(t *testing.T, o *apptest.Options) {
			if err := os.Remove(filepath.Join(o.DataDir, "master.key")); err != nil {
				t.Fatal(err)
			}
		}, []string{"master.key is missing"}},
		"the file is another's": {func(t *testing.T, o *apptest.Options) {
			if err := os.WriteFile(filepath.Join(o.DataDir, "master.key"), []byte(keyText()), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"master key is not the one this database was sealed with"}},
		"the file is damaged": {func(t *testing.T, o *apptest.Options) {
			if err := os.WriteFile(filepath.Join(o.DataDir, "master.key"), []byte("1:"+encoded), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"master.key", "line 1"}},
		"the environment has another": {func(_ *testing.T, o *apptest.Options) {
			o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
		}, []string{"master key is not the one this database was sealed with"}},
		"the environment has no key": {func(_ *testing.T, o *apptest.Options) {
			o.Env = []string{"CHAVEIRO_MASTER_KEY=" + encoded}
		}, []string{"CHAVEIRO_MASTER_KEY", "line 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := onSQLite(t)
			apptest.MustCommand(t, o, "migrate", "up")
			apptest.MustCommand(t, o, "apikey", "create", "--name", "first")
			test.spoil(t, &o)
			before := filesIn(t, o.DataDir)
			wantRefusal(t, o, test.words...)
			if diff := cmp.Diff(before, filesIn(t, o.DataDir)); diff != "" {
				t.Error(diff)
			}
			if outcome := apptest.Command(t, o, "apikey", "create", "--name", "second"); outcome.Code == 0 ||
				outcome.Stdout != "" || strings.Contains(outcome.Stderr, encoded) {
				t.Errorf("apikey create: code %d, stdout %q, stderr %q", outcome.Code, outcome.Stdout, outcome.Stderr)
			}
		})
	}
}

// TestFirstStart_OfSeveral starts several servers at once on an empty database. All must come up,
// and with one key: each accepts the token that another has made.
func TestFirstStart_OfSeveral(t *testing.T) {
	t.Parallel()
	const servers = 3
	rounds := 2
	if nightly {
		rounds = 8
	}
	for range rounds {
		o := onEmptyPostgres(t)
		o.Args = []string{"--auto-migrate"}
		startSeveral(t, o, servers)
	}
}

func startSeveral(t *testing.T, o apptest.Options, count int) {
	t.Helper()
	list := make([]*apptest.Process, count)
	for i := range list {
		p, err := apptest.Spawn(apptest.Binary(t), o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Kill()
		list[i] = p
	}
	for _, p := range list {
		if err := p.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	maker := login(t, list[0])
	for _, p := range list {
		c := &apptest.Client{URL: p.URL, Token: maker.Token}
		if err := c.Do(t.Context(), http.MethodGet, cas, nil, nil); err != nil {
			t.Error(err)
		}
		wantReady(t, p.URL)
		wantQuiet(t, p.Log())
	}
}
