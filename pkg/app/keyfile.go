package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// changeKeyFile replaces the text of the master key file by what change makes of it, completely or
// not at all. A file that is wrapped under a key in a key store is so again. Two callers at once
// change it one after the other. The file keeps its owner and mode.
func (s StorageConfig) changeKeyFile(change func(text []byte) ([]byte, error)) (err error) {
	path, err := filepath.EvalSymlinks(s.masterKeyFile())
	if err != nil {
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
	if err := checkProtected(path); err != nil {
		return err
	}
	text, err := s.changedKey(before, change)
	if err != nil {
		return err
	}
	if err := replaceKeyFile(path, text); err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	return nil
}

// changedKey is the text of a key file after a change of the keys in it.
func (s StorageConfig) changedKey(before []byte, change func(text []byte) ([]byte, error)) ([]byte, error) {
	plain, err := s.plainKey(before)
	if err != nil {
		return nil, err
	}
	text, err := change(plain)
	if err != nil {
		return nil, err
	}
	if _, err := seal.ParseKeyring(text); err != nil {
		return nil, fmt.Errorf("the new text of the master key: %w", err)
	}
	if !kms.IsWrapped(before) {
		return text, nil
	}
	key, err := kms.WrappedBy(before)
	if err != nil {
		return nil, err
	}
	return s.wrapText(key, text)
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
