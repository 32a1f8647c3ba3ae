package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// outFile is where a command writes what it has fetched.
type outFile struct {
	Out   string `short:"o" default:"-" placeholder:"FILE" help:"File to write; - is the standard output (default)."`
	Force bool   `help:"Replace the file if it exists."`
}

// secretFile is an outFile for what must stay secret: the standard output has to be asked for.
type secretFile struct {
	Out   string `short:"o" required:"" placeholder:"FILE" help:"File to write, readable by nobody else; - is the standard output."`
	Force bool   `help:"Replace the file if it exists."`
}

// The modes of files.
const (
	publicMode fs.FileMode = 0o644
	secretMode fs.FileMode = 0o600
)

// fetch calls do and writes what it returns. It looks at the file first, so that nothing is fetched
// in vain.
func (o outFile) fetch(do func() ([]byte, error)) error {
	return fetch(o.Out, o.Force, publicMode, do)
}

// fetch is that of an outFile, with a file of mode 0600.
func (o secretFile) fetch(do func() ([]byte, error)) error {
	return fetch(o.Out, o.Force, secretMode, do)
}

func fetch(path string, force bool, mode fs.FileMode, do func() ([]byte, error)) error {
	if path != "-" {
		if err := checkTarget(path, force); err != nil {
			return err
		}
	}
	content, err := do()
	if err != nil {
		return err
	}
	if path == "-" {
		_, err = os.Stdout.Write(content)
		return err
	}
	return writeFile(path, content, force, mode)
}

// checkTarget refuses a file that exists, unless it is to be replaced. Only regular files are.
func checkTarget(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return refused("%s is not a regular file", path)
	case !force:
		return refused("%s exists: --force replaces it", path)
	}
	return nil
}

// writeFile writes a new file with this mode, or puts a new one in the place of an old one.
func writeFile(path string, content []byte, force bool, mode fs.FileMode) error {
	if force {
		return replaceFile(path, content, mode)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return refused("%s exists: --force replaces it", path)
	}
	if err != nil {
		return err
	}
	if err := fill(file, content); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func fill(file *os.File, content []byte) error {
	_, err := file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// replaceFile writes beside the file and renames, so that there is always a whole one.
func replaceFile(path string, content []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".chaveiro-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails when it was renamed
	if err := errors.Join(file.Chmod(mode), fill(file, content)); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
