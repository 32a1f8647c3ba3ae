package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// contents are the files of a package: mode, owner, path. ZSH stands for the folder of completions.
const contents = `
drwxr-x--- root/root /etc/chaveiro/
-rw-r----- root/root /etc/chaveiro/chaveiro.yaml
-rwxr-xr-x root/root /usr/bin/chaveiro
-rw-r--r-- root/root /usr/lib/systemd/system/chaveiro.service
-rw-r--r-- root/root /usr/lib/sysusers.d/chaveiro.conf
-rw-r--r-- root/root /usr/share/bash-completion/completions/chaveiro
-rw-r--r-- root/root /usr/share/doc/chaveiro/changelog.gz
-rw-r--r-- root/root /usr/share/doc/chaveiro/copyright
-rw-r--r-- root/root /usr/share/doc/chaveiro/examples/chaveiro-agent.service
-rw-r--r-- root/root /usr/share/doc/chaveiro/install.md
-rw-r--r-- root/root /usr/share/doc/chaveiro/sbom.cdx.json
-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/chaveiro.fish
-rw-r--r-- root/root /usr/share/man/man1/chaveiro.1.gz
-rw-r--r-- root/root /usr/share/zsh/ZSH/_chaveiro
`

// ours are the lines of a listing without the directories that every system has.
func ours(lines []string) string {
	var kept []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "d") || strings.HasSuffix(line, " /etc/chaveiro/") {
			kept = append(kept, line)
		}
	}
	path := func(line string) string { return line[strings.LastIndex(line, " "):] }
	slices.SortFunc(kept, func(a, b string) int { return strings.Compare(path(a), path(b)) })
	return "\n" + strings.Join(kept, "\n") + "\n"
}

func TestDeb_Contents(t *testing.T) {
	t.Parallel()
	var lines []string
	for line := range strings.Lines(command(t, "dpkg-deb", "-c", made.deb)) {
		f := strings.Fields(line)
		lines = append(lines, f[0]+" "+f[1]+" "+strings.TrimPrefix(f[5], "."))
	}
	want := strings.Replace(contents, "ZSH", "vendor-completions", 1)
	want = strings.Replace(want, "-rw-r--r-- root/root /usr/share/man",
		"-rw-r--r-- root/root /usr/share/lintian/overrides/chaveiro\n-rw-r--r-- root/root /usr/share/man", 1)
	if got := ours(lines); got != want {
		t.Errorf("got%swant%s", got, want)
	}
	if got := command(t, "dpkg-deb", "-I", made.deb, "conffiles"); got != "/etc/chaveiro/chaveiro.yaml\n" {
		t.Errorf("conffiles: %q", got)
	}
	for field, want := range map[string]string{
		"Package": "chaveiro", "Version": "1.2.3-1", "Architecture": "amd64", "Depends": "passwd", "Recommends": "ca-certificates",
	} {
		if got := strings.TrimSpace(command(t, "dpkg-deb", "-f", made.deb, field)); got != want {
			t.Errorf("%s: %q", field, got)
		}
	}
}

func TestRPM_Contents(t *testing.T) {
	t.Parallel()
	needs(t, "rpm")
	const format = `[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]`
	lines := strings.Split(strings.TrimSpace(command(t, "rpm", "-qp", "--qf", format, made.rpm)), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "d") {
			lines[i] += "/"
		}
	}
	if got, want := ours(lines), strings.Replace(contents, "ZSH", "site-functions", 1); got != want {
		t.Errorf("got%swant%s", got, want)
	}
	if got := command(t, "rpm", "-qpc", made.rpm); got != "/etc/chaveiro/chaveiro.yaml\n" {
		t.Errorf("configuration: %q", got)
	}
	if got := command(t, "rpm", "-K", made.rpm); !strings.Contains(got, "digests OK") {
		t.Error(got)
	}
	requires := command(t, "rpm", "-qpR", made.rpm)
	if !strings.Contains(requires, "/bin/sh\n") || !strings.Contains(requires, "/usr/sbin/useradd\n") {
		t.Errorf("requires %q", requires)
	}
}

// TestPackages_Lintian: Debian's own rules; what the package does otherwise on purpose is in
// files/lintian-overrides with its reason.
func TestPackages_Lintian(t *testing.T) {
	t.Parallel()
	nightly(t)
	needs(t, "lintian")
	got := command(t, "lintian", "--allow-root", "--fail-on", "error,warning,override", "--no-tag-display-limit", made.deb)
	if strings.TrimSpace(got) != "" {
		t.Error(got)
	}
}

// TestPackages_SameBytes: the same program packed again, elsewhere, is the same to the last bit.
func TestPackages_SameBytes(t *testing.T) {
	t.Parallel()
	again := made.release
	again.out = filepath.Join(t.TempDir(), "another", "place")
	if err := os.MkdirAll(again.out, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, write := range []func() error{
		func() error { return again.writePackages(made.built) }, func() error { return again.writeImage(made.built) },
		again.writeChart,
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	sameFiles(t, again.out, made.release.out, 4)
}

// sameFiles fails when one of the files of a directory differs from that in another, and when there
// are fewer of them.
func sameFiles(t *testing.T, dir, other string, least int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < least {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, entry := range entries {
		a, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(other, entry.Name())); err != nil || string(a) != string(b) {
			t.Errorf("%s differs (%v)", entry.Name(), err)
		}
	}
}

// TestRelease_Reproducible: two clones in two folders, for both architectures, with different
// caches of modules and of the time zone, give the same files.
func TestRelease_Reproducible(t *testing.T) {
	t.Parallel()
	nightly(t)
	var outs []string
	for _, name := range []string{"a", "a-longer-name"} {
		dir := filepath.Join(t.TempDir(), name)
		command(t, "git", "clone", "-q", "--no-hardlinks", made.release.source, filepath.Join(dir, "source"))
		command(t, "git", "-C", filepath.Join(dir, "source"), "tag", "v9.8.7")
		one := release{
			version: "v9.8.7", source: filepath.Join(dir, "source"), out: filepath.Join(dir, "out"),
			arches: []string{"amd64", "arm64"},
		}
		if err := one.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		outs = append(outs, one.out)
	}
	sameFiles(t, outs[0], outs[1], 11)
	text := command(t, filepath.Join(outs[0], "chaveiro-v9.8.7-linux-amd64"), "version")
	if want := fmt.Sprintf("chaveiro v9.8.7, commit %s, ", made.release.commit.hash[:12]); !strings.HasPrefix(text, want) {
		t.Errorf("%q", text)
	}
	command(t, "sh", "-c", "cd "+outs[0]+" && sha256sum --quiet -c SHA256SUMS")
}

// TestScripts: the scripts of the packages pass the parser of the shell, and have no other words
// than those that dpkg and rpm call them with.
func TestScripts(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("files", func(path string, entry fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".sh") {
			command(t, "sh", "-n", filepath.Join(made.release.source, "packaging", path))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
