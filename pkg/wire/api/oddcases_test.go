package api_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/ca"
)

// oddCase is a folder of testdata/pki, whose README says what is in it.
type oddCase struct {
	Op       string            `json:"op"`
	Files    map[string]string `json:"files"`
	Password string            `json:"password"`
	Want     struct {
		Status int    `json:"status"`
		Field  string `json:"field"`
		Type   string `json:"type"`
	} `json:"want"`
}

// TestOdd_Cases: material as people bring it is accepted where OpenVPN works with it. A refusal
// names the field, and no revocation of an imported list is lost.
func TestOdd_Cases(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	files, err := filepath.Glob("testdata/pki/*/case.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no cases", err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			newOddWorld(t).tryCase(t, dir) // the cases share CAs, and a server takes each once
		})
	}
}

func (w oddWorld) tryCase(t *testing.T, dir string) {
	t.Helper()
	var c oddCase
	if err := json.Unmarshal([]byte(readText(t, dir, "case.json")), &c); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for field, name := range c.Files {
		texts[field] = readText(t, dir, name)
	}
	body := map[string]any{"name": "case-" + filepath.Base(dir), "cert": texts["cert"], "key": texts["key"]}
	path := casPath
	switch c.Op {
	case "ca-import":
		if list := texts["crl"]; list != "" {
			body["crl"] = list
		}
	case "client-import":
		path = clientsPath
		issuer := map[string]any{"name": body["name"], "cert": texts["ca"], "key": texts["ca_key"]}
		body = map[string]any{
			"ca_id": w.post(t, casPath+"/import", issuer).object(t)["id"], "email": "a@b.c", "cert": texts["cert"],
			"key": texts["key"],
		}
	default:
		t.Fatalf("unknown op %q", c.Op)
	}
	if c.Password != "" {
		body["password"] = c.Password
	}
	if path == clientsPath {
		w.tryArchive(t, c, body["ca_id"], texts)
	}
	got := w.post(t, path+"/import", body)
	got.want(t, c.Want.Status, c.Want.Field, c.Want.Type)
	if c.Op == "ca-import" {
		w.tryArchiveOfCA(t, c, texts)
	}
	if list := texts["crl"]; list != "" && got.status == 200 {
		w.wantAllRevoked(t, got.object(t)["id"], list)
	}
}

// wantAllRevoked demands every entry of an imported list on the list that is served.
func (w oddWorld) wantAllRevoked(t *testing.T, caID any, text string) {
	t.Helper()
	imported, err := ca.ParseCRL([]byte(text))
	if err != nil || len(imported.Entries) == 0 {
		t.Fatalf("the list has %d entries, %v", len(imported.Entries), err)
	}
	served, err := ca.ParseCRL(w.getPEM(t, listPath(caID)))
	if err != nil {
		t.Fatal(err)
	}
	revoked := map[string]bool{}
	for _, entry := range served.Entries {
		revoked[ca.FormatSerial(entry.Serial)] = true
	}
	for _, entry := range imported.Entries {
		if serial := ca.FormatSerial(entry.Serial); !revoked[serial] {
			t.Errorf("serial %s is not revoked any more", serial)
		}
	}
}

func listPath(caID any) string { return fmt.Sprintf("%s/%v/crl", casPath, caID) }

func readText(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tryArchive imports the client from an archive, as a dry run: it is judged as by the single
// import.
func (w oddWorld) tryArchive(t *testing.T, c oddCase, caID any, texts map[string]string) {
	t.Helper()
	path := fmt.Sprintf("%s/%v/imports?dry_run=true", casPath, caID)
	body := map[string]any{"archive": zipOf(t, "a.crt", texts["cert"], "a.key", texts["key"])}
	var report gen.PkiImport
	got := w.post(t, path, body)
	got.want(t, 200, "", "")
	if err := json.Unmarshal(got.body, &report); err != nil || len(report.Rows) != 1 {
		t.Fatalf("%s %v", got.body, err)
	}
	row := report.Rows[0]
	if c.Want.Status == 200 {
		if row.Result != "created" || row.Kind != "client" || !row.Key {
			t.Errorf("of an archive: %+v", row)
		}
		return
	}
	if row.Result != "refused" || row.Errors[0].Field != c.Want.Field || string(row.Errors[0].Type) != c.Want.Type {
		t.Errorf("of an archive: %+v", row)
	}
	got = w.post(t, fmt.Sprintf("%s/%v/imports", casPath, caID), body)
	got.want(t, c.Want.Status, c.Want.Field, c.Want.Type)
}

// tryArchiveOfCA imports the archive of a CA into that CA, or into another one, which refuses it. A
// list that the import of the CA refuses is at fault here too.
func (w oddWorld) tryArchiveOfCA(t *testing.T, c oddCase, texts map[string]string) {
	t.Helper()
	files := []string{"pki/ca.crt", texts["cert"], "pki/index.txt", "", "pki/private/ca.key", texts["key"]}
	if texts["crl"] != "" {
		files = append(files, "pki/crl.pem", texts["crl"])
	}
	body := map[string]any{"archive": zipOf(t, files...)}
	other := w.post(t, casPath, map[string]any{"name": "other", "email": "a@b.c"}).object(t)["id"]
	field, kind := "archive", "rule"
	if _, err := ca.ParseCertificate([]byte(texts["cert"])); err != nil {
		kind = "invalid"
	}
	w.post(t, fmt.Sprintf("%s/%v/imports", casPath, other), body).want(t, 409, field, kind)
	if c.Want.Status == 409 && c.Want.Field != "crl" {
		return
	}
	id := any(1)
	if c.Want.Field == "crl" {
		in := map[string]any{"cert": texts["cert"], "key": texts["key"], "name": "without"}
		id = w.post(t, casPath+"/import", in).object(t)["id"]
	}
	got := w.post(t, fmt.Sprintf("%s/%v/imports", casPath, id), body)
	got.want(t, c.Want.Status, c.Want.Field, c.Want.Type)
}
