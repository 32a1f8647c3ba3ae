package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// made is what all tests look at: the release for this machine, built once.
var made struct {
	release release
	built   *built
	deb     string // paths
	rpm     string
	root    string // the unpacked package of Debian
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return 1, errors.New("the tests of packages run on Linux on amd64")
	}
	dir, err := os.MkdirTemp("", "chaveiro-packages-*")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := makeRelease(context.Background(), dir); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func makeRelease(ctx context.Context, dir string) (err error) {
	made.release = release{source: "..", out: filepath.Join(dir, "dist"), version: "v1.2.3"}
	if err := made.release.prepare(ctx); err != nil {
		return err
	}
	if made.built, err = made.release.compile(ctx, "amd64"); err != nil {
		return err
	}
	if err := made.release.writePackages(made.built); err != nil {
		return err
	}
	for _, write := range []func() error{
		func() error { return made.release.writeImage(made.built) }, made.release.writeChart,
	} {
		if err := write(); err != nil {
			return err
		}
	}
	made.deb = filepath.Join(made.release.out, "chaveiro_1.2.3-1_amd64.deb")
	made.rpm = filepath.Join(made.release.out, "chaveiro-1.2.3-1.x86_64.rpm")
	made.root = filepath.Join(dir, "root")
	_, err = output(ctx, "/", nil, "dpkg-deb", "-x", made.deb, made.root)
	return err
}

// needs skips a test without a program, or fails it where CI is true. scripts/setup.sh installs
// them.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing: scripts/setup.sh packages", name)
			}
			t.Skipf("needs %s: scripts/setup.sh packages", name)
		}
	}
}

// nightly skips a test that takes too long for every change.
func nightly(t *testing.T) {
	t.Helper()
	if os.Getenv("CHAVEIRO_NIGHTLY") == "" {
		t.Skip("takes long: make nightly")
	}
}

// command runs a program and returns what it prints; it fails the test when the program fails.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	text, err := output(t.Context(), "/", nil, name, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return string(text)
}

// inRoot is the content of a file of the unpacked package.
func inRoot(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(made.root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// copyFile copies a file; the copy has the mode.
func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCommit_Version: a build between releases is older than every release, for all tools.
func TestCommit_Version(t *testing.T) {
	t.Parallel()
	version := strings.TrimPrefix(made.release.commit.version(), "v")
	needs(t, "dpkg", "rpm")
	if _, err := output(t.Context(), "/", nil, "dpkg", "--compare-versions",
		strings.Replace(version, "-", "~", 1), "lt", "0.0.1"); err != nil {
		t.Errorf("%s: %v", version, err)
	}
}
