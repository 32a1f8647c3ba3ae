package api_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// bundle lets openssl write a PKCS #12 file.
func (w *importWorld) bundle(t *testing.T, cert, key, password string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"c.pem": cert, "k.pem": key, "ca.pem": string(servicetest.CertPEM(w.Cert.Raw)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := opensslIn(t, dir, append([]string{"pkcs12", "-export", "-in", "c.pem", "-inkey", "k.pem", "-certfile", "ca.pem",
		"-out", "c.p12", "-passout", "pass:" + password}, args...)...)
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	return readText(t, dir, "c.p12")
}

// TestPKIImports_Passwords: PKCS #12 files and encrypted keys are opened by the password of their
// file, by that of their name, or by that of all; what no password opens is told.
func TestPKIImports_Passwords(t *testing.T) {
	t.Parallel()
	w := newImportWorld(t, newOddWorld(t).Server)
	files := []string{}
	for i, name := range []string{"um", "dois", "tres", "quatro"} {
		cert, key := w.site(t, name)
		args := [][]string{nil, {"-legacy"}, nil, {"-certpbe", "NONE"}}[i]
		files = append(files, name+".p12", w.bundle(t, cert, key, "senha-"+name, args...))
	}
	cert, _ := w.site(t, "cinco")
	key := servicetest.EncryptedPEM(t, servicetest.NewKey(t), "outra")
	files = append(files, "issued/cinco.crt", cert, "private/cinco.key", string(key), "junk.pfx", "\x30\x03abc")
	body := object(t, "archive", zipOf(t, files...), "password", "senha-um", "passwords", []any{
		map[string]any{"file": "dois", "password": "senha-dois"}, map[string]any{"file": "tres.p12", "password": "errada"},
		map[string]any{"file": "quatro.p12", "password": "errada"},
	})
	send(t, w.Server, "POST", w.path, body).want(t, 409, "", "invalid")
	report := w.run(t, "?partial=true", body)
	got := summary(report)
	slices.Sort(got)
	want := []string{
		"created client dois.p12 dois", "created client issued/cinco.crt cinco key_locked",
		"created client quatro.p12 quatro key_locked", "created client um.p12 um",
		"left_out file tres.p12  key_locked", "refused file junk.pfx  [ invalid]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, row := range report.Rows {
		if row.Kind == "client" && row.Key != slices.Contains([]string{"um", "dois"}, row.Name) {
			t.Errorf("%+v", row)
		}
	}
	mended := strings.ReplaceAll(body, "errada", "senha-tres")
	if again := w.run(t, "?partial=true", mended); again.Created != 1 {
		t.Errorf("%v", summary(again))
	}
}

// TestPKIImports_Others: certificates of another CA are refused with the name of their issuer, in
// both languages; the directory of another CA is refused as a whole.
func TestPKIImports_Others(t *testing.T) {
	t.Parallel()
	w := newImportWorld(t, newOddWorld(t).Server)
	other := servicetest.NewForeignCA(t)
	lost := string(other.Issue(t, servicetest.NewKey(t).Public()))
	rio, _ := w.site(t, "rio")
	files := []string{"rio.crt", rio, "lost.crt", lost, "other-ca.crt", string(servicetest.CertPEM(other.Cert.Raw))}
	body := object(t, "archive", zipOf(t, files...))
	for lang, want := range map[string]string{
		"en": "lost.crt: This CA did not sign the certificate: its issuer is CN=" + other.Cert.Subject.CommonName,
		"pt": "lost.crt: O certificado não foi assinado por esta CA: seu emissor é CN=" + other.Cert.Subject.CommonName,
	} {
		got := send(t, w.Server, "POST", w.path, body, "Accept-Language", lang)
		got.want(t, 409, "cert", "invalid")
		if !strings.Contains(string(got.body), want) {
			t.Errorf("%s", got.body)
		}
	}
	want := []string{
		"left_out certificate other-ca.crt " + other.Cert.Subject.CommonName + " other_ca", "created client rio.crt rio",
	}
	if got := summary(w.run(t, "?partial=true", body)); !cmp.Equal(got[1:], want) {
		t.Errorf("%q", got)
	}
	whole := zipOf(t, "ca.crt", string(servicetest.CertPEM(other.Cert.Raw)), "index.txt", "", "issued/lost.crt", lost)
	send(t, w.Server, "POST", w.path+"?partial=true", object(t, "archive", whole)).want(t, 409, "archive", "rule")
	for name, body := range map[string]string{
		"certificates": `{}`, "archive": `{"archive": "no base64"}`,
	} {
		send(t, w.Server, "POST", w.path, body).want(t, 409, name, map[bool]string{true: "required", false: "invalid"}[name == "certificates"])
	}
	both := object(t, "archive", whole, "certificates", []any{map[string]any{"cert": rio}})
	send(t, w.Server, "POST", w.path, both).want(t, 409, "archive", "rule")
	noZip := base64.StdEncoding.EncodeToString([]byte("text"))
	send(t, w.Server, "POST", w.path, object(t, "archive", noZip)).want(t, 409, "archive", "invalid")
}

// TestPKIImports_Rights: who may write CAs and not clients makes no clients by this.
func TestPKIImports_Rights(t *testing.T) {
	t.Parallel()
	w := newImportWorld(t, newOddWorld(t).Server)
	rio, _ := w.site(t, "rio")
	for scopes, status := range map[string]int{
		`[{"name": "openvpn.cas", "read": true, "write": true}]`:                                                             403,
		`[{"name": "openvpn.clients", "read": true, "write": true}]`:                                                         403,
		`[{"name": "openvpn.cas", "read": false, "write": true}, {"name": "openvpn.clients", "read": false, "write": true}]`: 200,
	} {
		role := send(t, w.Server, "POST", rolesPath, fmt.Sprintf(`{"name": "r%d", "scopes": %s}`, len(scopes), scopes)).object(t)["id"]
		id := fmt.Sprint(role)
		made := send(t, w.Server, "POST", apikeysPath, `{"name": "k`+id+`", "roles": [`+id+`]}`).object(t)
		got := send(t, w.Server, "POST", w.path+"?dry_run=true", manyOf(t, rio), "Authorization", fmt.Sprint("Bearer ", made["token"]))
		if got.status != status {
			t.Errorf("%s: %d %s", scopes, got.status, got.body)
		}
	}
}
