package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// TestRefuse: modules that may not be given away with the program stop the build.
func TestRefuse(t *testing.T) {
	t.Parallel()
	mit, err := os.ReadFile(licenceOf(t, "github.com/alecthomas/kong"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text, want string
	}{
		"allowed":     {string(mit), ""},
		"strange":     {"You may use this on Sundays.\n", "m v1 has the licence unknown, which is not allowed"},
		"appended":    {string(mit) + strings.Repeat("But everybody who sells it owes the author a beer.\n", 40), "unknown"},
		"copyleft":    {agpl, "which is not allowed"},
		"none at all": {"", "m v1 has no licence"},
	} {
		dir := t.TempDir()
		if c.text != "" {
			if err := os.WriteFile(filepath.Join(dir, "LICENSE.md"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m := module{path: "m", version: "v1"}
		if err := m.read(moduleFolders{root: dir}); err != nil {
			t.Fatal(err)
		}
		err := refuse([]module{m})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

const agpl = `This program is free software: you can redistribute it and/or modify it under the terms of the GNU Affero General
Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any
later version.`

// licenceOf is the path of the licence of a module that is in the program.
func licenceOf(t *testing.T, path string) string {
	t.Helper()
	list, err := made.release.packageFolders(t.Context(), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"LICENSE", "COPYING"} {
		if file := filepath.Join(list[path].root, name); fileExists(file) {
			return file
		}
	}
	t.Fatalf("%s has no licence in %q", path, list[path].root)
	return ""
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestBillOfMaterials: it has every module that Go says is in the program, each with a licence.
func TestBillOfMaterials(t *testing.T) {
	t.Parallel()
	text := inRoot(t, "/usr/share/doc/chaveiro/sbom.cdx.json")
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(strings.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range *bom.Components {
		names[c.Name] = true
		if c.Version == "" || c.Licenses == nil || len(*c.Licenses) == 0 {
			t.Errorf("%s: %+v", c.Name, c)
		}
	}
	for line := range strings.Lines(command(t, "go", "version", "-m", made.built.program)) {
		if f := strings.Fields(line); f[0] == "dep" && !names[f[1]] {
			t.Errorf("no %s", f[1])
		}
	}
	if !names["std"] || !names[explorerName] || !strings.HasPrefix(bom.SerialNumber, "urn:uuid:") {
		t.Errorf("%s, %v", bom.SerialNumber, names)
	}
	if !json.Valid([]byte(text)) || bytes.Contains([]byte(text), []byte(made.release.out)) {
		t.Error("it has a path of this machine in it")
	}
}

// TestTerms: the texts of all licences go along.
func TestTerms(t *testing.T) {
	t.Parallel()
	text := inRoot(t, "/usr/share/doc/chaveiro/copyright")
	for _, want := range []string{
		"\n  modernc.org/sqlite v", "\n  std 1.", "Copyright (c) 2017 The Sqlite Authors", "Copyright 2009 The Go Authors",
		"SQLite Is Public Domain", "swagger-ui-dist", "Apache License",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if !slices.Contains(allowed, "MIT") || slices.Contains(allowed, unknown) {
		t.Error(allowed)
	}
}
