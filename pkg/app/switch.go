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

// fileSwitch puts a prepared SQLite file in the place of another, which is put aside with its log. Renaming several files is not one step, so what
// is to be done is written down first: a switch that a crash has broken off goes on at the next start. So the database is the one or the other, and
// never the one with the other's log.
type fileSwitch struct {
	location string
	rename   func(from, to string) error
}

// newSwitch is for the file that a location leads to: a link to it stays.
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

// begin writes the note down and does what it says. The prepared file is synced.
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

// finish does what a note says, if there is one. Of several who find it one does it.
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
		return err // another has done it meanwhile
	}
	var what intent
	if err := json.NewDecoder(note).Decode(&what); err != nil {
		return fmt.Errorf("%s: %w", s.note(), err)
	}
	return s.carryOut(what)
}

// carryOut goes on wherever it was broken off: while there is a prepared file, what stands in its place is the old one.
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
		if err := syncDir(dir); err != nil { // nothing of the old one comes back after the new one is there
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
