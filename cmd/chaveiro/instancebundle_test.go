package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// The files of the bundle of tunnelDir.
var (
	openFiles = []string{
		"LEIAME.md", "README.md", "ca.crt", "ccd/site-rio", "crl.pem", "ocsp-verify.sh", "ocsp/1.pem",
		"server.conf", "server.crt", "systemd/chaveiro.conf", "systemd/ocsp.conf",
	}
	secretFiles = []string{"control.key", "server.key"}
)

func TestInstanceBundle_Archive(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	in := func(name string) string { return filepath.Join(filepath.Dir(o.DataDir), name) }
	must(t, o, "instance bundle vpn-matriz --out "+in("a.tar.gz"))
	must(t, o, "instance bundle 1 --format zip --without-keys -o "+in("a.zip"))
	wantFile(t, in("a.tar.gz"), 0o600, "\x1f\x8b")
	wantFile(t, in("a.zip"), 0o600, "PK")
	wantNames(t, tarNames(t, in("a.tar.gz")), slices.Concat(openFiles, secretFiles))
	archive, err := zip.OpenReader(in("a.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var names []string
	for _, file := range archive.File {
		names = append(names, file.Name)
	}
	wantNames(t, names, openFiles)
	events := must(t, o, "audit verify")
	wantFail(t, o, 4, "--force replaces it", "instance bundle 1 --out "+in("a.zip"))
	if got := must(t, o, "audit verify"); got != events {
		t.Errorf("a refused bundle is in the audit: %s", got)
	}
	wantFail(t, o, 2, "--out", "instance bundle 1")
	wantFail(t, o, 2, "--dir", "instance bundle 1 --out - --dir "+in("b"))
	wantFail(t, o, 2, "crl-life: below", "instance bundle 1 --out - --crl-life 1s")
	wantFail(t, o, 3, `there is no instance named "none"`, "instance bundle none --out -")
}

func tarNames(t *testing.T, path string) (names []string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(plain)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
}

// wantNames checks which files there are, regardless of directories.
func wantNames(t *testing.T, got, want []string) {
	t.Helper()
	got = slices.DeleteFunc(slices.Clone(got), func(name string) bool { return strings.HasSuffix(name, "/") })
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestInstanceBundle_Directory: the files are written with their modes and times, whole or not at
// all, and over others only when that is asked for. Who is no site any more is not let in by a file
// that was left.
func TestInstanceBundle_Directory(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	dir := filepath.Join(filepath.Dir(o.DataDir), "server", "vpn")
	must(t, o, "client config set site-recife 1")
	must(t, o, "instance bundle 1 --dir "+dir)
	wantNames(t, treeNames(t, dir), slices.Concat(openFiles, secretFiles, []string{"ccd/site-recife"}))
	for _, name := range secretFiles {
		wantFile(t, filepath.Join(dir, name), 0o600, "-")
	}
	wantFile(t, filepath.Join(dir, "server.conf"), 0o644, "#")
	list := modified(t, filepath.Join(dir, "crl.pem"))
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v (%v)", info.Mode(), err)
	}
	must(t, o, "client config remove site-recife 1 --yes")
	wantFail(t, o, 4, "LEIAME.md exists: --force replaces it", "instance bundle 1 --dir "+dir)
	wantNames(t, treeNames(t, dir), slices.Concat(openFiles, secretFiles, []string{"ccd/site-recife"}))
	mine := filepath.Join(dir, "mine.txt")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "control-earlier.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, o, "instance bundle 1 --force --dir "+dir)
	wantNames(t, treeNames(t, dir), slices.Concat(openFiles, secretFiles, []string{"mine.txt"}))
	if again := modified(t, filepath.Join(dir, "crl.pem")); again != list {
		t.Errorf("the same list has the times %s and %s", list, again)
	}
	wantFail(t, o, 4, "mine.txt is no directory", "instance bundle 1 --force --dir "+mine)
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".chaveiro-*")); err != nil || len(left) > 0 {
		t.Errorf("%q is left (%v)", left, err)
	}
	events := apptest.MustCommand(t, o, "audit", "verify")
	if !strings.HasPrefix(events, "9 events") { // the CA, two clients, the instance, three of configs, two bundles
		t.Error(events)
	}
}

func treeNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func modified(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime().UTC().String()
}
