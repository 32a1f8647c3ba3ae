package api_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	gen "github.com/chaveiro/chaveiro/gen/api"
)

// checkMembers compares some members of an object with what stands behind their names, as in
// port=1194. Texts are compared without quotes; <any> is any value.
func checkMembers(body []byte, arguments []string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return err
	}
	for _, argument := range arguments {
		name, want, _ := strings.Cut(argument, "=")
		got, has := members[name]
		if text := strings.Trim(string(got), `"`); !has || text != want && want != "<any>" {
			return fmt.Errorf("%s is %s, not %s", name, text, want)
		}
	}
	return nil
}

// keeper keeps a member of an item of a list in a variable: list, place, member, variable.
func keeper(vars map[string]string) func(body []byte, arguments []string) error {
	return func(body []byte, arguments []string) error {
		var page map[string]json.RawMessage
		var items []map[string]json.RawMessage
		err := json.Unmarshal(body, &page)
		if err := errors.Join(err, json.Unmarshal(page[arguments[0]], &items)); err != nil || len(items) == 0 {
			return fmt.Errorf("no %s in %s: %w", arguments[0], body, err)
		}
		vars[arguments[3]] = string(items[0][arguments[2]])
		return nil
	}
}

// untar returns the files of an archive, with their headers.
func untar(body []byte) (map[string][]byte, map[string]*tar.Header, error) {
	plain, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	files, headers := map[string][]byte{}, map[string]*tar.Header{}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, headers, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			return nil, nil, err
		}
		headers[header.Name] = header
	}
}

// checkTar demands an archive with exactly these files.
func checkTar(body []byte, names []string) error {
	files, _, err := untar(body)
	return errors.Join(err, sameNames(names, slices.Sorted(maps.Keys(files))))
}

// checkFiles is checkTar for a ZIP file.
func checkFiles(body []byte, names []string) error {
	files, err := unzip(body)
	return errors.Join(err, sameNames(names, slices.Sorted(maps.Keys(files))))
}

// checkListed is checkTar for a bundle in JSON.
func checkListed(body []byte, names []string) error {
	var bundle gen.InstanceBundle
	err := json.Unmarshal(body, &bundle)
	var got []string
	for _, f := range bundle.Files {
		got = append(got, f.Name)
	}
	return errors.Join(err, sameNames(names, got))
}

func sameNames(want, got []string) error {
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("files (-want +got):\n%s", diff)
	}
	return nil
}
