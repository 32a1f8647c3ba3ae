package apptest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Untar unpacks a .tar.gz archive into a directory, over the files that are there.
func Untar(archive []byte, dir string) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	files := tar.NewReader(unzipped)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpack(dir, header.Name, header.FileInfo().Mode(), files); err != nil {
			return err
		}
	}
}

// Unzip unpacks a ZIP archive into a directory, over the files that are there.
func Unzip(archive []byte, dir string) error {
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	for _, file := range files.File {
		content, err := file.Open()
		if err != nil {
			return err
		}
		if err := errors.Join(unpack(dir, file.Name, file.Mode(), content), content.Close()); err != nil {
			return err
		}
	}
	return nil
}

// unpack writes one file or directory of an archive.
func unpack(dir, name string, mode os.FileMode, content io.Reader) error {
	path := filepath.Join(dir, name)
	if mode.IsDir() {
		return os.MkdirAll(path, 0o755)
	}
	text, err := io.ReadAll(content)
	return errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, mode.Perm()))
}
