package api_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
	"github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// zipOf makes an archive, in base64, of names and texts in turn.
func zipOf(t *testing.T, files ...string) string {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		file := domaintest.Must(archive.Create(files[i]))(t)
		domaintest.Must(file.Write([]byte(files[i+1])))(t)
	}
	domaintest.Check(t, archive.Close())
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func tarOf(t *testing.T, files ...string) string {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for i := 0; i < len(files); i += 2 {
		domaintest.Check(t, archive.WriteHeader(&tar.Header{
			Name: files[i], Mode: 0o600, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg,
		}))
		domaintest.Must(archive.Write([]byte(files[i+1])))(t)
	}
	domaintest.Check(t, archive.Close())
	domaintest.Check(t, packed.Close())
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// manyOf is the body of an import of certificates.
func manyOf(t *testing.T, certs ...string) string {
	t.Helper()
	list := make([]map[string]any, len(certs))
	for i, cert := range certs {
		list[i] = map[string]any{"cert": cert}
	}
	return object(t, "certificates", list)
}

// importWorld has a CA that was imported, and signs as it did elsewhere.
type importWorld struct {
	*wiretest.Server
	servicetest.ForeignCA
	path string
	next int64
}

func newImportWorld(t *testing.T, s *wiretest.Server) *importWorld {
	t.Helper()
	w := &importWorld{Server: s, ForeignCA: servicetest.NewForeignCA(t), next: 0x100}
	id := send(t, s, "POST", casPath+"/import", object(t, "cert", string(servicetest.CertPEM(w.Cert.Raw)),
		"key", string(servicetest.KeyPEM(t, w.Key)))).object(t)["id"]
	w.path = fmt.Sprintf("%s/%v/imports", casPath, id)
	return w
}

// site makes a certificate, and its key.
func (w *importWorld) site(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private := servicetest.NewKey(t)
	w.next++
	text := w.Issue(t, private.Public(), func(c *x509.Certificate) {
		c.Subject.CommonName, c.SerialNumber = name, big.NewInt(w.next)
	})
	return string(text), string(servicetest.KeyPEM(t, private))
}

// run sends an import that is to be answered with a report.
func (w *importWorld) run(t *testing.T, query, body string) (report gen.PkiImport) {
	t.Helper()
	got := send(t, w.Server, "POST", w.path+query, body, "Accept-Language", "en")
	got.want(t, 200, "", "")
	domaintest.Check(t, json.Unmarshal(got.body, &report))
	return report
}

// summary is what a report says of each row, in short.
func summary(report gen.PkiImport) (list []string) {
	for _, row := range report.Rows {
		line := row.Result + " " + row.Kind + " " + row.File + " " + row.Name
		for _, note := range row.Notes {
			line += " " + note.Code
		}
		for _, fault := range row.Errors {
			line += fmt.Sprintf(" [%s %s]", fault.Field, fault.Type)
		}
		list = append(list, line)
	}
	return list
}

// easyRSAFiles is a directory of easy-rsa, below a folder.
func (w *importWorld) easyRSAFiles(t *testing.T, root string) []string {
	t.Helper()
	rio, rioKey := w.site(t, "rio")
	natal, natalKey := w.site(t, "natal")
	row := func(state, revoked string, serial int64, name string) string {
		return fmt.Sprintf("%s\t290301044451Z\t%s\t%X\tunknown\t/CN=%s\n", state, revoked, serial, name)
	}
	return []string{
		root + "ca.crt", string(servicetest.CertPEM(w.Cert.Raw)), root + "issued/rio.crt", rio,
		root + "private/rio.key", rioKey, root + "issued/natal.crt", natal, root + "private/natal.key", natalKey,
		root + "reqs/rio.req", "no matter", root + "crl.pem", string(w.List(t, big.NewInt(7))),
		root + "ta.key", "-----BEGIN OpenVPN Static key V1-----\n00\n",
		root + "index.txt", row("V", "", 0x101, "rio") + row("R", "261101000000Z,keyCompromise", 0x102, "natal") +
			row("R", "261101000000Z", 0xabc, "sumido"),
	}
}

// TestPKIImports_Archive: the directory of easy-rsa comes in, from both kinds of archive; a dry run
// says so before, and a repeat changes nothing.
func TestPKIImports_Archive(t *testing.T) {
	t.Parallel()
	for name, pack := range map[string]func(*testing.T, ...string) string{"zip": zipOf, "tar.gz": tarOf} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, s *wiretest.Server) { testArchive(t, newImportWorld(t, s), pack) })
		})
	}
}

func testArchive(t *testing.T, w *importWorld, pack func(*testing.T, ...string) string) {
	t.Helper()
	body := object(t, "archive", pack(t, w.easyRSAFiles(t, "data/pki/")...))
	before := rowsOf(t, w.Server)
	said := w.run(t, "?dry_run=true", body)
	if diff := cmp.Diff(before, rowsOf(t, w.Server)); diff != "" {
		t.Fatal(diff)
	}
	done := w.run(t, "", body)
	want := []string{
		"unchanged ca  " + w.Cert.Subject.CommonName, "created crl data/pki/crl.pem ",
		"created client data/pki/issued/natal.crt natal", "created client data/pki/issued/rio.crt rio",
		"created revocation data/pki/index.txt:3 sumido", "left_out file data/pki/ta.key  control_channel_key",
	}
	if diff := cmp.Diff(want, summary(done)); diff != "" || !done.Stored || done.Created != 4 || done.Refused != 0 {
		t.Errorf("%s%+v", diff, done)
	}
	if diff := cmp.Diff(want, summary(said)); diff != "" || said.Stored || !said.DryRun || said.Created != 4 {
		t.Errorf("said: %s", diff)
	}
	for _, row := range done.Rows {
		if row.Kind != "client" {
			continue
		}
		client := send(t, w.Server, "GET", fmt.Sprintf("%s/%d", clientsPath, *row.ClientID), "").object(t)
		if client["name"] != row.Name || client["revoked"] != (row.Name == "natal") || !row.Key ||
			client["serial"] != row.Serial {
			t.Errorf("%v of %+v", client, row)
		}
	}
	before = rowsOf(t, w.Server)
	again := w.run(t, "", body)
	if diff := cmp.Diff(before, rowsOf(t, w.Server)); diff != "" || again.Stored || again.Created != 0 {
		t.Errorf("a repeat: %+v %s", again, diff)
	}
}

// TestPKIImports_Listed: each certificate of the list has its row, and the words of the single
// import; all come in, or those that are good.
func TestPKIImports_Listed(t *testing.T) {
	t.Parallel()
	w := newImportWorld(t, wiretest.Start(t))
	rio, rioKey := w.site(t, "rio")
	natal, natalKey := w.site(t, "natal")
	manaus, _ := w.site(t, "manaus")
	lost := servicetest.NewForeignCA(t).Issue(t, servicetest.NewKey(t).Public())
	locked := string(servicetest.EncryptedPEM(t, servicetest.NewKey(t), "segredo"))
	one := func(pairs ...any) json.RawMessage { return json.RawMessage(object(t, pairs...)) }
	body := object(t, "certificates", []any{
		one("cert", rio, "key", rioKey, "email", "rio@example.com", "description", "d", "revoked", true),
		one("cert", natal, "key", rioKey), one("cert", natal, "key", natalKey), one("cert", string(lost)),
		one("cert", "no PEM"), one("cert", rio), one("cert", string(servicetest.CertPEM(w.Cert.Raw))),
		one("cert", manaus, "key", locked, "password", "outro", "revoked_date", "2020-01-01"),
	})
	refused := send(t, w.Server, "POST", w.path, body, "Accept-Language", "en")
	refused.want(t, 409, "certificates[1].key", "invalid")
	if names := clientNames(t, w.Server); len(names) > 0 {
		t.Errorf("%v are stored", names)
	}
	report := w.run(t, "?partial=true", body)
	want := []string{
		"created client certificates[0] rio", "refused client certificates[1] natal [key invalid]",
		"refused client certificates[2] natal [serial duplicated]",
		"refused certificate certificates[3] " + report.Rows[3].Name + " [cert invalid]",
		"refused certificate certificates[4]  [cert invalid]", "refused client certificates[5] rio [serial duplicated]",
		"refused foreign certificates[6] " + w.Cert.Subject.CommonName + " [cert invalid]",
		"refused client certificates[7] manaus [revoked_date invalid] [password invalid]",
	}
	if diff := cmp.Diff(want, summary(report)); diff != "" || report.Refused != 7 || report.Created != 1 {
		t.Error(diff)
	}
	client := send(t, w.Server, "GET", clientsPath+"/1", "").object(t)
	if client["email"] != "rio@example.com" || client["description"] != "d" || client["revoked"] != true {
		t.Errorf("%v", client)
	}
	if diff := cmp.Diff([]string{"rio"}, clientNames(t, w.Server)); diff != "" {
		t.Error(diff)
	}
	good := w.run(t, "", object(t, "certificates", []any{one("cert", natal, "key", natalKey), one("cert", rio)}))
	if diff := cmp.Diff([]string{"created client certificates[0] natal", "unchanged client certificates[1] rio"},
		summary(good)); diff != "" {
		t.Error(diff)
	}
}

func clientNames(t *testing.T, s *wiretest.Server) (names []string) {
	t.Helper()
	page, err := s.Services.Clients.Page(s.Operator, domain.ClientFilter{}, domain.PageRequest{Size: 100})
	domaintest.Check(t, err)
	for _, client := range page.Items {
		names = append(names, client.Name)
	}
	return names
}
