package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRateLine: what is no terminal gets a line now and then, with the rate and what is left.
func TestRateLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	l := newRateLine(out)
	l.show("keys", 0, 1000) // it is too early to say anything
	l.begun, l.last = time.Now().Add(-10*time.Second), time.Now().Add(-10*time.Second)
	l.show("keys", 400, 1000)
	l.show("keys", 500, 1000)
	l.end()
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "keys: 400 of 1000, ") || !strings.HasSuffix(string(text), "s left\n") ||
		strings.Count(string(text), "\n") != 1 {
		t.Errorf("%q, %v", text, err)
	}
}
