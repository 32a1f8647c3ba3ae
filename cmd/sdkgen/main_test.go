package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// documents are the bundled ones.
func documents() (api, pam string) {
	root := filepath.Join("..", "..", "gen")
	return filepath.Join(root, "api", "openapi.gen.yaml"), filepath.Join(root, "pam", "openapi.gen.yaml")
}

// TestGenerate_Fresh: gen/sdk is what the documents, the templates and the runtimes give, and
// nothing else.
func TestGenerate_Fresh(t *testing.T) {
	t.Parallel()
	api, pam := documents()
	fresh := t.TempDir()
	stale := filepath.Join(fresh, languages[0].folder, "stale.go")
	if err := os.MkdirAll(filepath.Dir(stale), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stale, []byte("package stale"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := generate(api, pam, fresh); err != nil {
		t.Fatal(err)
	}
	want, got := tree(t, fresh), tree(t, filepath.Join("..", "..", "gen", "sdk"))
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is not what make generate gives", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is not generated", name)
		}
	}
}

// tree reads all files of a folder.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, language := range languages {
		folder := os.DirFS(filepath.Join(root, language.folder))
		read := func(name string, entry os.DirEntry, err error) error {
			if entry != nil && entry.Name() == "__pycache__" {
				return fs.SkipDir // Python compiles what it imports
			}
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(filepath.Join(root, language.folder, name))
			files[language.folder+"/"+name] = string(text)
			return err
		}
		if err := fs.WalkDir(folder, ".", read); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestGenerate_NoDocument(t *testing.T) {
	t.Parallel()
	api, _ := documents()
	if err := generate(api, filepath.Join(t.TempDir(), "none.yaml"), t.TempDir()); err == nil {
		t.Error("no error")
	}
}
