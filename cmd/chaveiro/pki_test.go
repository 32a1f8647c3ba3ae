package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestCA(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	must(t, o, "ca create --name second --email b@example.com --organization Exemplo --expires 30d --key-algorithm ed25519")
	wantWords(t, must(t, o, "ca list"), "ID  NAME       KEY         EXPIRES", "1   ca-matriz  ecdsa-p256  ", "2   second     ed25519 ")
	certificate := parsePEM(t, must(t, o, "ca certificate SECOND"), "CERTIFICATE")
	cert, err := x509.ParseCertificate(certificate)
	if err != nil || cert.Subject.CommonName != "second" {
		t.Fatalf("%v (%v)", cert, err)
	}
	if life := time.Until(cert.NotAfter); life > 30*day || life < 29*day {
		t.Errorf("it lasts %s", life)
	}
	must(t, o, "crl get second --out "+filepath.Join(t.TempDir(), "crl.pem"))
	wantWords(t, must(t, o, "ca show second"), "name                 second\n", "organization         Exemplo\n",
		"subject              CN=second,O=Exemplo\n", "key algorithm        ed25519\n",
		"not after            "+cert.NotAfter.Format(time.RFC3339)+"\n",
		fmt.Sprintf("fingerprint sha256   %s\n", strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(certificate)), " ", ":")),
		fmt.Sprintf("serial               %x\n", cert.SerialNumber))
	if got := must(t, o, "ca show 2"); !regexp.MustCompile(
		`\ncrl number +[1-9]\d+\ncrl this update +20\S+Z\ncrl next update +20\S+Z\n`).MatchString(got) {
		t.Error(got)
	}
	wantFail(t, o, 3, `there is no CA named "third"`, "ca show third")
	wantFail(t, o, 4, "name: duplicated", "ca create --name SECOND --email b@example.com")
	wantFail(t, o, 2, "email: no e-mail address", "ca create --name third --email nowhere")
	wantFail(t, o, 2, "whole days", "ca create --name third --email a@example.com --expires 12h")
	wantFail(t, o, 4, "CA has certificates", "ca delete ca-matriz --yes")
	wantFail(t, o, 4, `"Delete the CA \"second\" (id 2), with its key and its revocation list?"`, "ca delete second")
	if got := must(t, o, "ca delete second -y"); got != "" {
		t.Errorf("it prints %q", got)
	}
	wantFail(t, o, 3, "there is no CA with the id 2", "ca show 2")
}

// TestCA_Renew: a CA is renewed, and another one takes its place. A dry run makes nothing.
func TestCA_Renew(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	must(t, o, "ca create --name second --email b@example.com --expires 30d")
	first := must(t, o, "ca certificate second")
	wantWords(t, must(t, o, "ca renew second --dry-run --expires 100d"), "name          second\n", "new ca        false\n")
	wantFail(t, o, 4, `"Give the CA \"second\" (id 2) its next certificate?"`, "ca renew second")
	if got := must(t, o, "ca certificate second"); got != first {
		t.Error("it was renewed")
	}
	wantFail(t, o, 4, "expiration: ends no later", "ca renew second --yes --expires 10d")
	wantFail(t, o, 2, "only with a new key", "ca renew second --yes --name third")
	wantWords(t, must(t, o, "ca renew second --yes --expires 100d"), "expires in days      99\n", "expires soon         false\n")
	next := filepath.Join(t.TempDir(), "next.pem")
	must(t, o, "ca certificate second --out "+next)
	if got := must(t, o, "ca certificate second"); got == first || strings.Count(got, "BEGIN") != 1 {
		t.Errorf("it has %q", got)
	}
	wantFail(t, o, 4, "duplicated", "ca renew second --yes --cert "+next)
	wantWords(t, must(t, o, "ca certificates second"), "KIND     ISSUER ", "present  CN=second", "earlier  CN=second")

	wantWords(t, must(t, o, "ca renew second --new-key --dry-run"), "name          second G2\n", "new ca        true\n",
		"cross signed  true\n")
	wantFail(t, o, 4, `"Make a CA in the place of the CA \"second\" (id 2), with a new key?"`, "ca renew second --new-key")
	wantWords(t, must(t, o, "ca renew second --new-key --yes --key-algorithm ed25519"), "predecessor id       2\n",
		"name                 second G2\n", "key algorithm        ed25519\n")
	if got := must(t, o, "ca certificate second"); strings.Count(got, "BEGIN") != 2 {
		t.Errorf("it has %q", got)
	}
	wantFail(t, o, 4, "CA has a successor", "ca renew second --new-key --yes")
}

// parsePEM returns the content of the first block of a text, which has to be of this type.
func parsePEM(t *testing.T, text, kind string) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != kind {
		t.Fatalf("no %s in %q", kind, text)
	}
	return block.Bytes
}

func TestClient(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	must(t, o, "ca create --name second --email b@example.com")
	must(t, o, "client create --ca second --name loja --email loja@example.com")
	wantWords(t, must(t, o, "client show SITE-RIO"), "\nname                 site-rio\n", "\nca                   ca-matriz\n",
		"\nrevoked              false\n", "\nsubject              CN=site-rio\n", "\nrevoked at           -\n")
	wantFail(t, o, 3, `there is no client named "site*"`, "client show site*")
	wantFail(t, o, 3, `there is no CA named "none"`, "client create --ca none --name a --email a@example.com")
	wantFail(t, o, 2, "name: character not allowed", "client create --ca 1 --name a_b --email a@example.com")
	wantFail(t, o, 4, "CA", "client create --ca 1 --name ca-matriz --email ca@example.com")
	wantFail(t, o, 4, `"Revoke the certificate of the client \"site-rio\" (id 1) for good?"`, "client revoke site-rio")
	wantClients(t, o, "--status valid", "site-rio", "site-recife", "loja")
	if got := must(t, o, "client revoke site-rio --yes"); got != "" {
		t.Errorf("it prints %q", got)
	}
	wantWords(t, must(t, o, "client show 1"), "\nrevoked              true\n", "\nrevoked at           20")
	wantClients(t, o, "", "site-rio", "site-recife", "loja")
	wantClients(t, o, "--status valid", "site-recife", "loja")
	wantClients(t, o, "--status revoked", "site-rio")
	wantClients(t, o, "--status expired")
	wantClients(t, o, "--ca second", "loja")
	wantClients(t, o, "--ca 1 --name SITE-R*", "site-rio", "site-recife")
	wantClients(t, o, "--name *reci*", "site-recife")
	wantFail(t, o, 3, `there is no CA named "third"`, "client list --ca third")
	wantFail(t, o, 2, "--status", "client list --status good")
	wantFail(t, o, 2, "--csv", "client list --json --csv")
}

// wantClients checks which clients a list has.
func wantClients(t *testing.T, o apptest.Options, flags string, want ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(must(t, o, "client list --csv "+flags)) {
		if cells := strings.Split(line, ","); cells[0] != "id" {
			got = append(got, cells[2])
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("client list %s: %q, want %q", flags, got, want)
	}
}

func TestCRL(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	wantWords(t, must(t, o, "crl list"), "CA  NAME       NUMBER  THIS UPDATE  NEXT UPDATE  CURRENT\n",
		"1   ca-matriz  -       -            -            false\n")
	empty := parseCRL(t, must(t, o, "crl get ca-matriz"))
	if again := parseCRL(t, must(t, o, "crl get 1")); again.Number.Cmp(empty.Number) != 0 {
		t.Errorf("the same list has the numbers %s and %s", empty.Number, again.Number)
	}
	wantWords(t, must(t, o, "crl show ca-matriz"), "\ncrl number   "+empty.Number.String()+"\n", "\ncurrent      true\n")
	must(t, o, "client revoke site-rio --yes")
	wantWords(t, must(t, o, "crl show ca-matriz"), "\ncurrent      false\n")
	list := parseCRL(t, must(t, o, "crl get ca-matriz --crl-life 48h"))
	if len(list.RevokedCertificateEntries) != 1 || list.Number.Cmp(empty.Number) <= 0 {
		t.Errorf("%d revocations, number %s", len(list.RevokedCertificateEntries), list.Number)
	}
	if life := time.Until(list.NextUpdate); life > 48*time.Hour || life < 47*time.Hour {
		t.Errorf("the next update is in %s", life)
	}
	file := filepath.Join(t.TempDir(), "crl.der")
	must(t, o, "crl get ca-matriz --der -o "+file)
	if der, err := os.ReadFile(file); err != nil || string(der) != string(list.Raw) {
		t.Errorf("DER is another list (%v)", err)
	}
	wantFail(t, o, 2, "crl-life: below 1h", "crl get ca-matriz --crl-life 1m")
	wantFail(t, o, 3, "there is no CA", "crl get none")
}

func parseCRL(t *testing.T, text string) *x509.RevocationList {
	t.Helper()
	list, err := x509.ParseRevocationList(parsePEM(t, text, "X509 CRL"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}
