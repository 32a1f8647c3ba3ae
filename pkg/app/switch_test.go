package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// content reads a file. A missing file has no content.
func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// newFiles makes an old database of two or three files and one that is to take its place.
func newFiles(t *testing.T) fileSwitch {
	t.Helper()
	s := newSwitch(filepath.Join(t.TempDir(), "chaveiro.db"))
	for path, text := range map[string]string{
		s.location: "old", s.location + "-wal": "old log", s.location + "-shm": "old index", s.prepared(): "new",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func wantSwitched(t *testing.T, s fileSwitch, aside string) {
	t.Helper()
	for path, want := range map[string]string{
		s.location: "new", s.location + "-wal": "", s.location + "-shm": "", s.prepared(): "", s.note(): "",
		aside: "old", aside + "-wal": "old log",
	} {
		if got := content(t, path); got != want {
			t.Errorf("%s: %q, want %q", filepath.Base(path), got, want)
		}
	}
}

// TestSwitch_GoesOnAfterACrash interrupts the switch before each of its renames, and completes it
// as the next start does.
func TestSwitch_GoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	crash := errors.New("crash")
	for done := range 3 {
		t.Run(fmt.Sprint(done), func(t *testing.T) {
			t.Parallel()
			s := newFiles(t)
			aside, left := s.location+".aside", done
			s.rename = func(from, to string) error {
				if left--; left < 0 {
					return crash
				}
				return os.Rename(from, to)
			}
			if err := s.begin(aside); !errors.Is(err, crash) {
				t.Fatalf("error %v", err)
			}
			if got := content(t, s.location); got == "new" {
				t.Fatal("the new one is there although the old one's log may be")
			}
			if err := newSwitch(s.location).finish(); err != nil {
				t.Fatal(err)
			}
			wantSwitched(t, s, aside)
			if err := newSwitch(s.location).finish(); err != nil { // there is nothing more to do
				t.Fatal(err)
			}
			wantSwitched(t, s, aside)
		})
	}
}

// TestSwitch_OfSeveralStarts: one start completes the switch, and the others do not take the new
// database for the old one.
func TestSwitch_OfSeveralStarts(t *testing.T) {
	t.Parallel()
	for range 20 {
		s := newFiles(t)
		aside := s.location + ".aside"
		s.rename = func(string, string) error { return errors.New("crash") }
		if err := s.begin(aside); err == nil {
			t.Fatal("it did not fail")
		}
		var starts sync.WaitGroup
		for range 4 {
			starts.Go(func() {
				if err := newSwitch(s.location).finish(); err != nil {
					t.Error(err)
				}
			})
		}
		starts.Wait()
		wantSwitched(t, s, aside)
	}
}
