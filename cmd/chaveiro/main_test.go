package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	if err := apptest.Clean(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// dataDir is a data directory with an empty database.
func dataDir(t *testing.T) apptest.Options {
	t.Helper()
	return apptest.Prepared(t)
}

// pkiDir is a data directory with the CA ca-matriz and its clients site-rio and site-recife.
func pkiDir(t *testing.T) apptest.Options {
	t.Helper()
	o := dataDir(t)
	makePKI(t, o)
	return o
}

func makePKI(t *testing.T, o apptest.Options) {
	t.Helper()
	must(t, o, "ca create --name ca-matriz --email ca@example.com")
	must(t, o, "client create --ca ca-matriz --name site-rio --email rio@example.com")
	must(t, o, "client create --ca 1 --name site-recife --email recife@example.com --expires 365d")
}

// must runs a command that has to succeed without a word on the standard error, and returns what it
// printed.
func must(t *testing.T, o apptest.Options, line string) string {
	t.Helper()
	outcome := apptest.Command(t, o, strings.Fields(line)...)
	if outcome.Code != 0 || outcome.Stderr != "" {
		t.Fatalf("chaveiro %s: code %d, %s", line, outcome.Code, outcome.Stderr)
	}
	return outcome.Stdout
}

// wantFail runs a command that has to fail with this code and these words, and print nothing else.
func wantFail(t *testing.T, o apptest.Options, code int, words, line string) {
	t.Helper()
	outcome := apptest.Command(t, o, strings.Fields(line)...)
	if outcome.Code != code || !strings.Contains(outcome.Stderr, words) || outcome.Stdout != "" {
		t.Errorf("chaveiro %s: %+v; want code %d, %s", line, outcome, code, words)
	}
}

// wantWords checks that a text has all words.
func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("no %q in:\n%s", word, text)
		}
	}
}
