package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// fileSwitch replaces an SQLite file by a prepared one, and puts the old file aside together with
// its write-ahead log. Several renames are not atomic, so the intent is written down first: the
// next start completes a switch that a crash has interrupted. So the database is the old one or the
// new one, and never one with the log of the other.
type fileSwitch struct {
	location string
	rename   func(from, to string) error
}

// newSwitch is for the file that a location leads to: a symbolic link to it stays.
func newSwitch(location string) fileSwitch {
	if target, err := os.Readlink(location); err == nil {
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(location), target)
		}
		return newSwitch(target)
	}
	return fileSwitch{location, os.Rename}
}

// prepared is where the new file is written.
func (s fileSwitch) prepared() string { return s.location + ".restoring" }

func (s fileSwitch) note() string { return s.location + ".restore-note" }

// intent is the content of the note.
type intent struct {
	Aside string `json:"aside"`
}

// begin writes the note and carries it out. The prepared file must be synced.
func (s fileSwitch) begin(aside string) error {
	text, err := json.Marshal(intent{aside})
	if err != nil {
		return err
	}
	if err := writeOnce(s.note(), text); err != nil {
		return err
	}
	return s.finish()
}

// finish carries out a note, if there is one. Of several processes that find it one carries it out.
func (s fileSwitch) finish() error {
	note, err := os.Open(s.note())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer note.Close()
	if err := syscall.Flock(int(note.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if current, err := sameFile(note, s.note()); err != nil || !current {
		return err // another process has carried it out meanwhile
	}
	var what intent
	if err := json.NewDecoder(note).Decode(&what); err != nil {
		return fmt.Errorf("%s: %w", s.note(), err)
	}
	return s.carryOut(what)
}

// carryOut continues wherever it was interrupted: while the prepared file exists, the file in its
// place is the old one.
func (s fileSwitch) carryOut(what intent) error {
	dir := filepath.Dir(s.location)
	if exists(s.prepared()) {
		for _, part := range []string{"-wal", "-journal", ""} {
			if !exists(s.location + part) {
				continue
			}
			if err := s.rename(s.location+part, what.Aside+part); err != nil {
				return err
			}
		}
		if err := os.Remove(s.location + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := syncDir(dir); err != nil { // so that nothing of the old one comes back after the new one is there
			return err
		}
		if err := s.rename(s.prepared(), s.location); err != nil {
			return err
		}
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	if err := os.Remove(s.note()); err != nil {
		return err
	}
	return syncDir(dir)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func sameFile(open *os.File, path string) (bool, error) {
	one, err := open.Stat()
	if err != nil {
		return false, err
	}
	other, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(one, other), err
}
