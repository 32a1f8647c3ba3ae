package app_test

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// pgBackup is a service on PostgreSQL whose database is put back.
type pgBackup struct {
	options     apptest.Options // of the server that has published the last list
	other       apptest.Options // of another replica, which has ended before that
	server      *apptest.Process
	admin       *apptest.Client
	ca          record
	issuer      *x509.Certificate
	gone        record // revoked after the backup
	files, kept openvpntest.Credentials
	published   string // file of the last list
	last        *x509.RevocationList
}

// newPGBackup makes what the backup has.
func newPGBackup(t *testing.T, o apptest.Options) *pgBackup {
	t.Helper()
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	w := &pgBackup{options: o, other: o}
	w.other.DataDir = onSQLite(t).DataDir
	w.server = apptest.Start(t, o)
	w.admin = login(t, w.server)
	w.ca = createCA(t, w.admin, "ca-matriz")
	w.issuer = must(parseCertificates(get(t, w.admin, caPath(w.ca.ID, "/certificate"))))[0]
	w.gone = createClient(t, w.admin, w.ca.ID, "gone")
	w.files = credentials(t, w.admin, w.gone, "gone")
	w.kept = credentials(t, w.admin, createClient(t, w.admin, w.ca.ID, "kept"), "kept")
	get(t, w.admin, caPath(w.ca.ID, "/crl"))
	if err := apptest.Start(t, w.other).Stop(); err != nil { // so that it has a floor
		t.Fatal(err)
	}
	return w
}

// goOn does what the backup has not, publishes a list, and ends the server.
func (w *pgBackup) goOn(t *testing.T) {
	t.Helper()
	revoke(t, w.admin, w.gone.ID)
	createClient(t, w.admin, w.ca.ID, "later")
	list := get(t, w.admin, caPath(w.ca.ID, "/crl"))
	w.last = must(parseCRL(list, w.issuer))
	w.published = filepath.Join(t.TempDir(), "crl.pem")
	write(t, filepath.Dir(w.published), "crl.pem", list)
	if err := w.server.Stop(); err != nil {
		t.Fatal(err)
	}
}

// accept checks that no server starts on the database that was put back, accepts it, and checks
// that what was revoked since stays revoked, for OpenSSL and OpenVPN too.
func (w *pgBackup) accept(t *testing.T) {
	t.Helper()
	wantRefusal(t, w.options, "older than what was published", "restore --accept")
	wantFailure(t, w.options, "ca-matriz", "restore", "--accept") // what was revoked is not known
	wantRefusal(t, w.options, "older than what was published")
	apptest.MustCommand(t, w.options, "restore", "--accept", "--crl", w.published)
	for i, o := range []apptest.Options{w.options, w.other} {
		w.admin.URL = apptest.Start(t, o).URL
		wantReady(t, w.admin.URL)
		var stored record
		err := w.admin.Do(t.Context(), http.MethodGet, clientPath(w.gone.ID, ""), nil, &stored)
		if err != nil || !stored.Revoked {
			t.Errorf("%+v (%v)", stored, err)
		}
		list := must(parseCRL(get(t, w.admin, caPath(w.ca.ID, "/crl")), w.issuer))
		if list.Number.Cmp(w.last.Number) < 1-i || list.ThisUpdate.Before(w.last.ThisUpdate.Add(time.Duration(1-i))) ||
			len(list.RevokedCertificateEntries) != 1 {
			t.Errorf("list %d of %s after %d of %s, with %d entries", list.Number, list.ThisUpdate, w.last.Number,
				w.last.ThisUpdate, len(list.RevokedCertificateEntries))
		}
		w.last = list
	}
	w.verify(t)
	server := startOpenVPN(t, w.admin, w.ca.ID)
	wantRefused(t, server, w.files)
	wantConnected(t, server, w.kept)
	if report := apptest.MustCommand(t, w.options, "audit", "verify"); !strings.Contains(report, " 0 problems") {
		t.Error(report)
	}
	wantCommands(t, w.admin, "database", 0, "chaveiro restore")
}

// verify lets OpenSSL check both certificates against the list.
func (w *pgBackup) verify(t *testing.T) {
	t.Helper()
	requireProgram(t, "openssl", "apt-get install openssl")
	dir := t.TempDir()
	write(t, dir, "ca.pem", []byte(certificatePEM(w.issuer)))
	write(t, dir, "crl.pem", get(t, w.admin, caPath(w.ca.ID, "/crl")))
	for name, site := range map[string]openvpntest.Credentials{"gone": w.files, "kept": w.kept} {
		write(t, dir, name+".pem", site.Certificate)
		check := exec.CommandContext(t.Context(), "openssl", "verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile",
			"crl.pem", name+".pem")
		check.Dir = dir
		said, err := check.CombinedOutput()
		if revoked := strings.Contains(string(said), "certificate revoked"); revoked != (name == "gone") || revoked != (err != nil) {
			t.Errorf("%s: %v %s", name, err, said)
		}
	}
}

// names are the sites that are stored.
func (w *pgBackup) names(t *testing.T) string {
	t.Helper()
	var names []string
	for _, name := range []string{"gone", "kept", "between", "later"} {
		if namesOf(t, w.options)[name] {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// TestRestore_PostgreSQLDump: a dump, by the command that `chaveiro backup` says, is put back by
// the one of docs/backup.md.
func TestRestore_PostgreSQLDump(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	o, cluster := onOwnCluster(t, pgtest.Config{})
	w := newPGBackup(t, o)
	dump := filepath.Join(must(cluster.Folder("dumps")), "chaveiro.dump")
	said := apptest.Command(t, w.options, "backup", dump)
	command := regexp.MustCompile(`pg_dump --format=custom --file=(\S+) --dbname='([^']+)'`).FindStringSubmatch(said.Stderr)
	if said.Code == 0 || len(command) != 3 || command[1] != dump {
		t.Fatalf("%+v", said)
	}
	if err := cluster.Run(t.Context(), "pg_dump", "--format=custom", "--file="+dump, "--dbname="+command[2]); err != nil {
		t.Fatal(err)
	}
	w.goOn(t)
	args := backupLine(t, "pg_restore")
	args[len(args)-2], args[len(args)-1] = "--dbname="+command[2], dump
	if err := cluster.Run(t.Context(), args[0], args[1:]...); err != nil {
		t.Fatal(err)
	}
	if got := w.names(t); got != "gone kept" {
		t.Errorf("stored are %s", got)
	}
	w.accept(t)
}

// TestRestore_PostgreSQLPointInTime: the database goes back to a point in time, as docs/backup.md
// says, from a base backup and the archive of the log.
func TestRestore_PostgreSQLPointInTime(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	o, cluster := onOwnCluster(t, pgtest.Config{Durable: true, Settings: backupSettings(t, "archive_")})
	if _, err := cluster.Folder("wal"); err != nil {
		t.Fatal(err)
	}
	w := newPGBackup(t, o)
	base := filepath.Join(must(cluster.Folder("bases")), "base")
	args := backupLine(t, "pg_basebackup")
	args[len(args)-1] = "--pgdata=" + base
	if err := cluster.Run(t.Context(), args[0], args[1:]...); err != nil {
		t.Fatal(err)
	}
	createClient(t, w.admin, w.ca.ID, "between")
	time.Sleep(100 * time.Millisecond)
	var point string
	if err := openDatabase(t, o).QueryRowContext(t.Context(), "SELECT clock_timestamp()::text").Scan(&point); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	w.goOn(t)
	if err := cluster.Archived(t.Context()); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, setting := range backupSettings(t, "re") {
		name, value, _ := strings.Cut(setting, "=")
		if name == "recovery_target_time" {
			value = point
		}
		lines = append(lines, fmt.Sprintf("%s = '%s'", name, value))
	}
	if err := cluster.RecoverFrom(t.Context(), base, lines...); err != nil {
		t.Fatal(err)
	}
	if got := w.names(t); got != "gone kept between" {
		t.Errorf("stored are %s", got)
	}
	w.accept(t)
}

// backupDocument is the page that operators follow. Its /backups is the cluster's own directory
// here, in which PostgreSQL runs these commands one level deeper.
func backupDocument(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(read(t, filepath.Join("..", "..", "docs"), "backup.md"), "/backups/", "../")
}

// backupSettings are the settings of the document whose names begin with a prefix, as name=value.
func backupSettings(t *testing.T, prefix string) (settings []string) {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^(` + prefix + `[a-z_]+) = '?(.+?)'?$`)
	for _, found := range lines.FindAllStringSubmatch(backupDocument(t), -1) {
		settings = append(settings, found[1]+"="+found[2])
	}
	if len(settings) != 3 {
		t.Fatalf("docs/backup.md has %q", settings)
	}
	return settings
}

// backupLine is the command of the document that runs a program.
func backupLine(t *testing.T, program string) []string {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + program + ` .*$`).FindString(backupDocument(t))
	if line == "" {
		t.Fatalf("docs/backup.md has no %s", program)
	}
	return strings.Fields(line)
}
