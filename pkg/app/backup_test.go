package app_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// elsewhere is an empty data directory, as on another machine that has the master key of o.
func elsewhere(t *testing.T, o apptest.Options) apptest.Options {
	t.Helper()
	other := onSQLite(t)
	if err := os.MkdirAll(other.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, other.DataDir, "master.key", []byte(read(t, o.DataDir, "master.key")))
	return other
}

func backupOf(t *testing.T, o apptest.Options) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "backup.db")
	apptest.MustCommand(t, o, "backup", file)
	return file
}

func wantFailure(t *testing.T, o apptest.Options, words string, args ...string) {
	t.Helper()
	outcome := apptest.Command(t, o, args...)
	if outcome.Code == 0 || !strings.Contains(outcome.Stderr, words) ||
		strings.Contains(outcome.Stderr+outcome.Stdout, "hunter2") {
		t.Errorf("%q: code %d, stderr %q, want %q", args, outcome.Code, outcome.Stderr, words)
	}
}

// TestBackup_OfARunningServer makes backups while clients are made. Each backup must open
// elsewhere, whole, with every client that was answered before the backup began.
func TestBackup_OfARunningServer(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	c := login(t, apptest.Start(t, o))
	authority := createCA(t, c, "ca-matriz")
	var mu sync.Mutex
	var answered []string
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("site-%d-%d", w, i)
				in := object{"ca_id": authority.ID, "name": name, "email": "site@example.com"}
				if err := c.Do(t.Context(), http.MethodPost, clients, in, nil); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				answered = append(answered, name)
				mu.Unlock()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	var backups [][]string
	dir := t.TempDir()
	for i := range 3 {
		mu.Lock()
		backups = append(backups, append([]string{}, answered...))
		mu.Unlock()
		apptest.MustCommand(t, o, "backup", filepath.Join(dir, fmt.Sprint(i)))
	}
	close(stop)
	writers.Wait()
	for i, before := range backups {
		wantInBackup(t, elsewhere(t, o), filepath.Join(dir, fmt.Sprint(i)), before)
	}
	if left := filesIn(t, dir); len(left) != 3 {
		t.Errorf("files: %q", left)
	}
}

// wantInBackup restores a backup and checks that it is whole and has the clients.
func wantInBackup(t *testing.T, o apptest.Options, file string, names []string) {
	t.Helper()
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	apptest.MustCommand(t, o, "restore", file, "--accept-loss")
	if report := apptest.MustCommand(t, o, "audit", "verify"); !strings.Contains(report, " 0 problems") {
		t.Error(report)
	}
	db := openDatabase(t, o)
	for _, name := range names {
		var n int
		if err := db.QueryRowContext(
			t.Context(), "SELECT count(*) FROM clients JOIN certificates ON client_id = clients.id WHERE clients.name = ?",
			name,
		).
			Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d (%v)", name, n, err)
		}
	}
}

func TestBackup_SaysWhatIsInIt(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	c := login(t, apptest.Start(t, o))
	authority := createCA(t, c, "ca-matriz")
	revoke(t, c, createClient(t, c, authority.ID, "lisboa").ID)
	get(t, c, caPath(authority.ID, "/crl"))
	file := filepath.Join(t.TempDir(), "backup.db")
	key := strings.TrimPrefix(strings.TrimSpace(read(t, o.DataDir, "master.key")), "1:")
	var manifest struct {
		Schema      int64
		Incarnation string
		MasterKey   map[string]string `json:"master_key"`
		CAs         []struct {
			Name        string
			CRLNumber   int64 `json:"crl_number"`
			Revocations int64
		}
		Audit []struct{ Position int64 }
	}
	text := apptest.MustCommand(t, o, "backup", "--json", file)
	if err := json.Unmarshal([]byte(text), &manifest); err != nil {
		t.Fatal(err)
	}
	events := int64(0)
	for _, end := range manifest.Audit {
		events += end.Position
	}
	if manifest.Schema == 0 || manifest.Incarnation == "" || len(manifest.MasterKey["1"]) != 16 ||
		len(manifest.CAs) != 1 || manifest.CAs[0].Name != "ca-matriz" ||
		manifest.CAs[0].CRLNumber == 0 || manifest.CAs[0].Revocations != 1 || events != 4 {
		t.Errorf("manifest %s", text)
	}
	content, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(content)+text, key) ||
		!strings.Contains(string(content), manifest.MasterKey["1"]) {
		t.Errorf("the master key is in the backup, or its fingerprint is not (%v)", err)
	}
	wantFailure(t, o, "exists", "backup", file)
	apptest.MustCommand(t, o, "backup", "--force", file)
	wantFailure(t, onSQLite(t), "there is no database", "backup", file+"2")
}

func TestBackup_OfPostgreSQL(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	o.DatabaseURL = "postgres://maria:hunter2@db.example.com/chaveiro?pool_max_conns=9&sslmode=verify-full&password=hunter2"
	wantFailure(t, o,
		`pg_dump --format=custom --file='/b/it'\''s' --dbname='postgres://maria@db.example.com/chaveiro?sslmode=verify-full'`,
		"backup", "/b/it's")
	wantFailure(t, o, "pg_restore", "restore", "file")
}

// TestRestore_KeepsWhatWasPublished: what was revoked after the backup stays revoked, for a real
// OpenVPN too, and the number of the CRL continues.
func TestRestore_KeepsWhatWasPublished(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	for name, since := range map[string]func(t *testing.T, o apptest.Options, crl string) (apptest.Options, []string){
		"the database before": func(_ *testing.T, o apptest.Options,
			_ string) (apptest.Options, []string) {
			return o, nil
		},
		"a database elsewhere": func(t *testing.T, o apptest.Options, _ string) (apptest.Options, []string) {
			return elsewhere(t, o), []string{"--since-from", filepath.Join(o.DataDir, "chaveiro.db")}
		},
		"the list": func(t *testing.T, o apptest.Options, crl string) (apptest.Options, []string) {
			return elsewhere(t, o), []string{"--crl", crl}
		},
		"the list, and a database that is damaged": func(t *testing.T, o apptest.Options,
			crl string) (apptest.Options, []string) {
			damage(t, filepath.Join(o.DataDir, "chaveiro.db"))
			return o, []string{"--crl", crl}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			restoreSince(t, since, name == "the list")
		})
	}
}

func restoreSince(
	t *testing.T, since func(t *testing.T, o apptest.Options, crl string) (apptest.Options, []string), openVPN bool,
) {
	o := onSQLite(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "ca-matriz")
	gone, kept := createClient(t, c, authority.ID, "gone"), createClient(t, c, authority.ID, "kept")
	goneFiles, keptFiles := credentials(t, c, gone, "gone"), credentials(t, c, kept, "kept")
	get(t, c, caPath(authority.ID, "/crl"))
	file := backupOf(t, o)
	revoke(t, c, gone.ID)
	later := createClient(t, c, authority.ID, "later")
	crl := filepath.Join(t.TempDir(), "crl.pem")
	write(t, filepath.Dir(crl), "crl.pem", get(t, c, caPath(authority.ID, "/crl")))
	issuer := must(parseCertificates(get(t, c, caPath(authority.ID, "/certificate"))))[0]
	before := must(parseCRL([]byte(read(t, filepath.Dir(crl), "crl.pem")), issuer))
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}

	target, args := since(t, o, crl)
	said := apptest.MustCommand(t, target, append([]string{"restore", file}, args...)...)
	if len(args) == 0 && !strings.Contains(said, `of "later" was issued since`) {
		t.Errorf("it does not tell of the certificate of %d: %s", later.ID, said)
	}
	c.URL = apptest.Start(t, target).URL
	after := must(parseCRL(get(t, c, caPath(authority.ID, "/crl")), issuer))
	if after.Number.Cmp(before.Number) <= 0 || after.ThisUpdate.Compare(before.ThisUpdate) <= 0 ||
		len(after.RevokedCertificateEntries) != 1 {
		t.Errorf("list %d of %s after %d of %s, with %d entries", after.Number, after.ThisUpdate, before.Number,
			before.ThisUpdate,
			len(after.RevokedCertificateEntries))
	}
	var record record
	if err := c.Do(t.Context(), http.MethodGet, clientPath(gone.ID, ""), nil, &record); err != nil || !record.Revoked {
		t.Errorf("%+v (%v)", record, err)
	}
	if openVPN {
		server := startOpenVPN(t, c, authority.ID)
		wantRefused(t, server, goneFiles)
		wantConnected(t, server, keptFiles)
	}
	if report := apptest.MustCommand(t, target, "audit", "verify"); !strings.Contains(report, " 0 problems") {
		t.Error(report)
	}
}

// damage overwrites the middle of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(content); i++ {
		content[i] = 0xa5
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRestore_RevokeIssued: a restore can revoke a certificate that only the replaced database
// knows.
func TestRestore_RevokeIssued(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "ca-matriz")
	file := filepath.Join(t.TempDir(), "backup.db")
	made := apptest.MustCommand(t, o, "backup", file)
	leaf := must(
		parseCertificates(get(t, c, clientPath(createClient(t, c, authority.ID, "later").ID, "/certificate"))),
	)[0]
	createCA(t, c, "ca-nova")
	apptest.MustCommand(t, o, "apikey", "create", "--name", "new-key")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	said := apptest.MustCommand(t, o, "restore", "--revoke-issued", file)
	for _, want := range []string{
		`of "later" was issued since`, "it is revoked", `CA "ca-nova" was made since and is gone`,
		`create of auth.apikeys 2 "new-key"`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
	c.URL = apptest.Start(t, o).URL
	issuer := must(parseCertificates(get(t, c, caPath(authority.ID, "/certificate"))))[0]
	if !listedIn(must(parseCRL(get(t, c, caPath(authority.ID, "/crl")), issuer)))[leaf.SerialNumber.String()] {
		t.Error("it is not on the list")
	}
	wantCommands(t, c, "database", 0, "chaveiro restore")
	var restored struct{ Incarnation string }
	if err := json.Unmarshal([]byte(apptest.MustCommand(t, o, "backup", "--json", file+"2")), &restored); err != nil ||
		strings.Contains(made, restored.Incarnation) {
		t.Errorf("the incarnation is still %s (%v)", restored.Incarnation, err)
	}
}

// TestRestore_Refusals: a restore that is refused changes nothing.
func TestRestore_Refusals(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	createCA(t, c, "ca-matriz")
	file := backupOf(t, o)
	live := filepath.Join(o.DataDir, "chaveiro.db")
	wantFailure(t, o, "stop the server first", "restore", file)
	wantFailure(t, elsewhere(t, o), "somebody has open", "restore", live)
	wantReady(t, p.URL)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, elsewhere(t, o), "was not made by", "restore", live)
	fresh := elsewhere(t, o)
	wantFailure(t, fresh, `the CAs ["ca-matriz"] were revoked`, "restore", file)
	if left := filesIn(t, fresh.DataDir); len(left) != 1 {
		t.Errorf("it has left %q", left)
	}
	other := onSQLite(t)
	other.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	wantFailure(t, other, "sealed with the master key 1:", "restore", "--accept-loss", file)
	wantFailure(t, o, "say which FILE", "restore")
	wantFailure(t, o, "say which FILE", "restore", "--accept", file)
	wantFailure(t, o, "of 1:", "restore", "--crl", filepath.Join(o.DataDir, "master.key"), file)

	for name, spoil := range map[string]string{
		"its contents and its manifest differ": "UPDATE cas SET crl_number = crl_number + 1",
		"is newer than this program":           "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)",
		"rows are missing":                     "PRAGMA foreign_keys = 0; INSERT INTO apikey_roles (apikey_id, role_id) VALUES (99, 99)",
	} {
		spoiled := filepath.Join(t.TempDir(), "spoiled.db")
		write(t, filepath.Dir(spoiled), "spoiled.db", []byte(read(t, filepath.Dir(file), "backup.db")))
		spoilDatabase(t, spoiled, spoil)
		wantFailure(t, o, name, "restore", "--accept-loss", spoiled)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	write(t, filepath.Dir(damaged), "damaged.db", []byte(read(t, filepath.Dir(file), "backup.db")))
	damage(t, damaged)
	wantFailure(t, o, "can't be restored", "restore", "--accept-loss", damaged)
	if files := filesIn(t, o.DataDir); strings.Contains(strings.Join(files, " "), "restor") {
		t.Errorf("files: %q", files)
	}
	wantReady(t, apptest.Start(t, o).URL)
}

func spoilDatabase(t *testing.T, path, statements string) {
	t.Helper()
	db := must(sql.Open("sqlite", "file:"+path))
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}
