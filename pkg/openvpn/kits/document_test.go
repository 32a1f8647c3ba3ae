package kits

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDocument: docs/profiles.md says what each format can do. It names the documents of the
// vendor, and so does the template.
func TestDocument(t *testing.T) {
	content, err := os.ReadFile("../../../docs/profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, f := range formats {
		row := f.can.row(f.Format)
		rows = append(rows, row)
		if !strings.Contains(string(content), "\n"+row+"\n") {
			t.Errorf("there is no row %s", row)
		}
		template, err := templateFiles.ReadFile(string(f.Format) + ".tmpl")
		if err != nil {
			t.Error(err)
		}
		for _, document := range f.Documents {
			if !strings.Contains(string(content), "("+document+")") || !strings.Contains(string(template), "/* "+document+" */") {
				t.Errorf("%s: %s is not named", f.Format, document)
			}
		}
		if !strings.Contains(string(content), "`"+string(f.Format)+"`\n") {
			t.Errorf("%s has no section", f.Format)
		}
	}
	if t.Failed() {
		t.Log("the table:\n" + strings.Join(rows, "\n"))
	}
}

// row is the row of the table.
func (a abilities) row(format Format) string {
	yes := map[bool]string{true: "yes", false: "no"}
	ciphers := "all"
	if !slices.Equal(a.ciphers, dataCiphers) {
		ciphers = strings.Join(a.ciphers, ", ")
	}
	var controls []string
	for _, kind := range a.controls {
		controls = append(controls, string(kind))
	}
	remotes := map[remoteAbility]string{
		anyRemotes: "any", oneTransport: "one transport", oneTransportAndPort: "one transport and port", singleRemote: "one",
	}
	names := map[nameAbility]string{anyName: "yes", plainName: "plain", remoteHost: "host", noNameCheck: "no"}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |", format,
		strings.Join(controls, ", "), yes[a.tls13], ciphers, yes[a.encryptedKey], yes[a.ed25519], yes[a.tap],
		remotes[a.remotes], names[a.serverName], yes[a.manyCAs], yes[a.nat], yes[a.directives])
}
