package api_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// unzip returns the files of an archive by name.
func unzip(body []byte) (map[string][]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, one := range archive.File {
		reader, err := one.Open()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(reader)
		if err := errors.Join(err, reader.Close()); err != nil {
			return nil, err
		}
		if _, twice := files[one.Name]; twice {
			return nil, fmt.Errorf("%s is there twice", one.Name)
		}
		files[one.Name] = content
	}
	return files, nil
}

// checkZip demands a ZIP file with exactly these files. Those that end in .p12 are PKCS#12 files of
// a certificate of that name, with the password that comes first.
func checkZip(body []byte, arguments []string) error {
	files, err := unzip(body)
	if err != nil {
		return err
	}
	var names []string
	for name, content := range files {
		names = append(names, name)
		site, is := strings.CutSuffix(name, ".p12")
		if !is {
			continue
		}
		if err := checkPKCS12(content, []string{arguments[0], site, "ca-matriz"}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(arguments[1:], names); diff != "" {
		return fmt.Errorf("files (-want +got):\n%s", diff)
	}
	return nil
}
