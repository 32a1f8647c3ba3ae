package main

import (
	"debug/elf"
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
	for name, before := range map[string]string{
		"doc/chaveiro/changelog.Debian.gz": "doc/chaveiro/changelog.gz", "lintian/overrides/chaveiro": "man/man1/chaveiro.1.gz",
	} {
		const line = "-rw-r--r-- root/root /usr/share/"
		want = strings.Replace(want, line+before, line+name+"\n"+line+before, 1)
	}
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
	got := command(t, "lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", made.deb)
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

// TestRelease_Reproducible: a clone in another folder, compiled anew with an empty cache, in
// another time zone, gives the same bytes. The first build has both architectures.
func TestRelease_Reproducible(t *testing.T) {
	nightly(t)
	first := cloned(t, "a", "amd64", "arm64")
	checkArm(t, first)
	t.Setenv("GOCACHE", t.TempDir())
	t.Setenv("TZ", "Asia/Tokyo")
	second := cloned(t, "a-longer-name", "amd64")
	if err := os.Remove(filepath.Join(second.out, "SHA256SUMS")); err != nil { // the first one has more lines
		t.Fatal(err)
	}
	sameFiles(t, second.out, first.out, 6)
	text := command(t, filepath.Join(first.out, "chaveiro-v1.8.7-linux-amd64"), "version")
	if want := fmt.Sprintf("chaveiro v1.8.7, commit %s, ", made.release.commit.hash[:12]); !strings.HasPrefix(text, want) {
		t.Errorf("%q", text)
	}
	command(t, "sh", "-c", "cd "+first.out+" && sha256sum --quiet -c SHA256SUMS")
}

// cloned is a release that is built of a clone, as scripts/release.sh does.
func cloned(t *testing.T, name string, arches ...string) release {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	r := release{version: "v1.8.7", source: filepath.Join(dir, "source"), out: filepath.Join(dir, "out"), arches: arches}
	command(t, "git", "clone", "-q", "--no-hardlinks", made.release.source, r.source)
	command(t, "git", "-C", r.source, "tag", r.version)
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// checkArm: what is called arm64 is.
func checkArm(t *testing.T, r release) {
	t.Helper()
	program, err := elf.Open(filepath.Join(r.out, "chaveiro-"+r.version+"-linux-arm64"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if program.Machine != elf.EM_AARCH64 {
		t.Errorf("the program is for %v", program.Machine)
	}
	for name, want := range map[string]string{
		"dpkg-deb -f " + r.out + "/chaveiro_1.8.7-1_arm64.deb Architecture": "arm64",
		"rpm -qp --qf %{ARCH} " + r.out + "/chaveiro-1.8.7-1.aarch64.rpm":   "aarch64",
		"tar -xOf " + r.out + "/chaveiro_1.8.7_arm64.image.tar index.json":  `"architecture": "arm64"`,
		"go version -m " + r.out + "/chaveiro-v1.8.7-linux-arm64":           "GOARCH=arm64",
	} {
		words := strings.Fields(name)
		if got := command(t, words[0], words[1:]...); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestChart: the chart has the version of the release, and names the image of it.
func TestChart(t *testing.T) {
	t.Parallel()
	archive := filepath.Join(made.release.out, "chaveiro-chart_1.2.3.tgz")
	text := command(t, "tar", "-xOzf", archive, "chaveiro/Chart.yaml")
	for _, want := range []string{"\nversion: \"1.2.3\"\n", "\nappVersion: \"1.2.3\"\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	list := command(t, "tar", "-tzf", archive)
	for _, want := range []string{"chaveiro/values.yaml\n", "chaveiro/values.schema.json\n", "chaveiro/templates/_helpers.tpl\n"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in %s", want, list)
		}
	}
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
