package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// exportable is a data directory with certificates in every state.
func exportable(t *testing.T) apptest.Options {
	t.Helper()
	o := pkiDir(t)
	for _, name := range []string{"site-natal", "site-belem", "site-manaus", "site-acu"} {
		must(t, o, "client create --ca 1 --name "+name+" --email site@example.com --city Açu")
	}
	must(t, o, "client revoke site-natal --yes --reason keyCompromise --invalid-since 2026-11-20")
	must(t, o, "client suspend site-belem")
	time.Sleep(1100 * time.Millisecond) // certificates have whole seconds, by which an import knows the newer one
	must(t, o, "client renew site-manaus --overlap 30d")
	must(t, o, "client revoke site-recife --yes")
	must(t, o, "cert create --ca 1 --name vpn --alt-name vpn.example.com")
	must(t, o, "cert revoke --yes --ca 1 --serial 4d3c2b1a")
	return o
}

// TestExport_EasyRSA: easy-rsa goes on with what is exported, and it comes back in as it was.
func TestExport_EasyRSA(t *testing.T) {
	t.Parallel()
	e, o := newEasyRSA(t), exportable(t)
	// easy-rsa needs its configuration of openssl beside the files of the PKI.
	settings, err := os.ReadFile(filepath.Join(e.pki, "openssl-easyrsa.cnf"))
	if err := errors.Join(err, os.RemoveAll(e.pki)); err != nil {
		t.Fatal(err)
	}
	o.Stdin = longPassword + "\n"
	if got := must(t, o, "export pki --ca ca-matriz --ca-password-stdin "+e.pki); got !=
		"8 certificates and 8 keys, 4 serials on the list\n" {
		t.Error(got)
	}
	wantFail(t, o, 4, "exists", "export pki --ca 1 "+e.pki)
	index, err := os.ReadFile(filepath.Join(e.pki, "index.txt"))
	if err != nil {
		t.Fatal(err)
	}
	wantWords(t, string(index), ",keyTime,20261120000000Z\t", ",certificateHold\t", "\t4D3C2B1A\tunknown\t/CN=4D3C2B1A\n",
		`/L=A\xC3\xA7u/`)
	serial, err := os.ReadFile(filepath.Join(e.pki, "serial"))
	if err != nil || len(serial) != len("4D3C2B1A4D3C2B1A4D3C2B1A4D3C2B1A\n") {
		t.Errorf("the next serial is %q, %v", serial, err)
	}
	audit := must(t, o, "audit verify")
	wantWords(t, audit, " 0 problems")

	same := dataDir(t)
	same.Stdin = longPassword + "\n"
	line := "import easy-rsa " + e.pki + " --ca-password-stdin"
	wantWords(t, must(t, same, line), "imported 11 into the CA", " 0 at fault")
	for _, command := range []string{"client list --csv", "cert list --csv"} {
		if got, want := standing(must(t, same, command)), standing(must(t, o, command)); !slices.Equal(got, want) {
			t.Errorf("%s:\n%v\nwant\n%v", command, got, want)
		}
	}
	e.write(t, "openssl-easyrsa.cnf", string(settings))
	e.run(t, "gen-crl")
	e.run(t, "revoke", "site-rio", "superseded")
	e.run(t, "build-client-full", "site-novo", "nopass")
	e.run(t, "gen-crl")
	wantWords(t, must(t, same, line), "imported 2 into")
	if list := parseCRL(t, must(t, same, "crl get 1")); len(list.RevokedCertificateEntries) != 5 {
		t.Errorf("%+v", list.RevokedCertificateEntries)
	}
}

// standing are the names, serials and states of the rows of a list, sorted.
func standing(csv string) (rows []string) {
	lines := strings.Split(strings.TrimSpace(csv), "\r\n")
	header := strings.Split(lines[0], ",")
	for _, line := range lines[1:] {
		cells := strings.Split(line, ",")
		row := ""
		for _, name := range []string{"name", "serial", "serial_number", "status", "revocation_reason"} {
			if at := slices.Index(header, name); at >= 0 {
				row += cells[at] + " "
			}
		}
		rows = append(rows, row)
	}
	slices.Sort(rows)
	return rows
}

// TestExport_WithoutKeys: no key leaves, and no event says that one has.
func TestExport_WithoutKeys(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	dir := filepath.Join(t.TempDir(), "pki")
	if got := must(t, o, "export pki --without-keys --ca 1 "+dir); got !=
		"2 certificates and 0 keys, 0 serials on the list\n" {
		t.Error(got)
	}
	keys, err := filepath.Glob(filepath.Join(dir, "*", "*.key"))
	if err != nil || len(keys) > 0 {
		t.Error(keys, err)
	}
}
