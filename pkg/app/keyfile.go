package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chaveiro/chaveiro/pkg/seal"
)

// changeKeyFile replaces the text of the master key file by what change makes of it, completely or
// not at all. Two callers at once change it one after the other. The file keeps its owner and mode.
func changeKeyFile(path string, change func(text []byte) ([]byte, error)) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	release, err := lockDirectory(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	defer func() { err = errors.Join(err, release()) }()
	before, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	if _, err := protectedKeyring(path, before); err != nil {
		return err
	}
	text, err := change(before)
	if err != nil {
		return err
	}
	if _, err := seal.ParseKeyring(text); err != nil {
		return fmt.Errorf("the new text of the master key %s: %w", path, err)
	}
	if err := replaceKeyFile(path, text); err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	return nil
}

func replaceKeyFile(path string, text []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".master-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(text)
	err = errors.Join(
		err, keepOwner(temporary, info), temporary.Chmod(info.Mode().Perm()), temporary.Sync(), temporary.Close(),
	)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// withLine is the text of a keyring with one more line.
func withLine(text, line []byte) []byte {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	return append(text, line...)
}
