package main

import (
	"bytes"
	"runtime/debug"
	"strings"
	"testing"
)

// TestManual_Everything: the page has every command and every flag that a person may use, with its
// variable.
func TestManual_Everything(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	root := grammar().Model.Node
	info := &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.time", Value: "2026-01-31T10:00:00Z"}},
	}
	if err := printManual(&out, root, info); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	if !strings.HasPrefix(page, ".TH \"CHAVEIRO\" \"1\" \"2026-01-31\" \"chaveiro v1.2.3\" \"Chaveiro\"\n.ad l\n.SH \"NAME\"\n") {
		t.Errorf("%.100q", page)
	}
	for _, leaf := range root.Leaves(true) {
		name := commandName(leaf)
		section, found := sectionOf(page, name)
		if !found {
			t.Errorf("no %s", name)
		}
		for _, flag := range leaf.Flags {
			text := section
			if isStorage(flag) {
				text = page
			}
			if flag.Hidden {
				continue
			}
			for _, want := range append([]string{flag.Name}, flag.Envs...) {
				if !strings.Contains(text, escaped(want)) {
					t.Errorf("%s: no %s", name, want)
				}
			}
		}
	}
}

// sectionOf is what the page says of a command.
func sectionOf(page, name string) (string, bool) {
	for part := range strings.SplitSeq(page, "\n.S") {
		line := "S \"chaveiro " + escaped(name)
		if strings.HasPrefix(part, line+"\"") || strings.HasPrefix(part, line+" ") {
			return part, true
		}
	}
	return "", false
}

func TestEscaped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		".profile": "\\&.profile", "'a'": "\\&'a'", "a-b": "a\\-b", `C:\x`: `C:\ex`, "a…": "a\\[u2026]", "a\nb": "a b", "é": "\\[u00E9]",
	} {
		if got := escaped(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
