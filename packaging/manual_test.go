package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func manualText(t *testing.T) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(inRoot(t, "/usr/share/man/man1/chaveiro.1.gz")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestManual_Lint: both programs that show manuals have nothing to say about the page.
func TestManual_Lint(t *testing.T) {
	t.Parallel()
	needs(t, "mandoc", "man")
	page := filepath.Join(t.TempDir(), "chaveiro.1")
	text := manualText(t)
	if strings.HasPrefix(text, `.TH "CHAVEIRO" "1" "" `) {
		text = strings.Replace(text, `"1" ""`, `"1" "2026-01-31"`, 1) // a build that does not know its commit has no date
	}
	if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"mandoc -T lint -W warning " + page, "man --warnings -l " + page + " 2>&1 >/dev/null"} {
		if remarks := command(t, "sh", "-c", line); remarks != "" {
			t.Errorf("%s: %s", line, remarks)
		}
	}
}

// TestManual_Whole: what a person reads has commands, flags, their variables and their arguments.
func TestManual_Whole(t *testing.T) {
	t.Parallel()
	needs(t, "mandoc")
	page := filepath.Join(made.root, "/usr/share/man/man1/chaveiro.1.gz")
	text := command(t, "sh", "-c", "mandoc -T utf8 -O width=200 "+page+" | LC_ALL=C.UTF-8 col -bx | tr -s ' \\n' ' '")
	for _, want := range []string{
		"chaveiro - keeps the keys of a network", "chaveiro serve Run the server.", "chaveiro client revoke CLIENT",
		"--database-url DATABASE-URL postgres://…", "Environment: CHAVEIRO_LISTEN.", "One of: bash, zsh, fish.", "EXIT STATUS",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestCompletions: shells find the scripts where the package puts them, and they complete.
func TestCompletions(t *testing.T) {
	t.Parallel()
	needs(t, "bash", "zsh", "fish")
	path := "PATH=" + filepath.Join(made.root, "usr/bin") + ":$PATH; "
	for shell, line := range map[string]string{
		"bash": path + ". " + made.root + "/usr/share/bash-completion/completions/chaveiro; COMP_WORDS=(chaveiro comp); " +
			"COMP_CWORD=1; _chaveiro; echo ${COMPREPLY[@]}",
		"zsh": path + "fpath=(" + made.root + "/usr/share/zsh/vendor-completions $fpath); autoload -Uz compinit; " +
			"compinit -D -u; echo ${_comps[chaveiro]} completion",
		"fish": "set -p PATH " + made.root + "/usr/bin; source " + made.root +
			"/usr/share/fish/vendor_completions.d/chaveiro.fish; complete -C 'chaveiro comp'",
	} {
		if got := command(t, shell, "-c", line); !strings.Contains(got, "completion") || shell == "zsh" && !strings.Contains(got, "_chaveiro") {
			t.Errorf("%s: %q", shell, got)
		}
	}
}
