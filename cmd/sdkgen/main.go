// Command sdkgen writes the client SDKs from the bundled OpenAPI documents.
//
//	sdkgen gen/api/openapi.gen.yaml gen/pam/openapi.gen.yaml gen/sdk
//
// Each language has a package of its own, with templates and a runtime that is copied. What a
// document says that an SDK can't is an error with file and line.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/golang"
	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
	"github.com/chaveiro/chaveiro/cmd/sdkgen/python"
	"github.com/chaveiro/chaveiro/cmd/sdkgen/typescript"
)

// languages are the SDKs: a folder, and what makes its files.
var languages = []struct {
	folder string
	files  func(documents ...*model.Document) (map[string][]byte, error)
}{
	{"go", golang.Files},
	{"python", python.Files},
	{"typescript", typescript.Files},
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sdkgen API PAM OUTPUT")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generate writes the SDKs of all languages into folders of output.
func generate(api, pam, output string) error {
	first, errFirst := model.Read("api", api)
	second, errSecond := model.Read("pam", pam)
	if err := errors.Join(errFirst, errSecond); err != nil {
		return err
	}
	for _, language := range languages {
		files, err := language.files(first, second)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(output, language.folder), files); err != nil {
			return err
		}
	}
	return nil
}

// write replaces a folder.
func write(folder string, files map[string][]byte) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	for name, text := range files {
		name = filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
