package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers its packager
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers its packager
)

// writePackages writes the packages of Debian and of RPM.
func (r *release) writePackages(b *built) error {
	for _, format := range []string{"deb", "rpm"} {
		if err := r.writePackage(b, format); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return nil
}

func (r *release) writePackage(b *built, format string) error {
	dir, err := os.MkdirTemp("", "chaveiro-"+format+"-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	contents, err := r.stage(b, format, dir)
	if err != nil {
		return err
	}
	info := nfpm.WithDefaults(r.info(b, format, contents))
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := packager.Package(info, &packed); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, packager.ConventionalFileName(info)), packed.Bytes(), 0o644)
}

// requires is what the scripts of a package call. The program itself is static and needs nothing.
var requires = map[string][]string{"deb": {"passwd"}, "rpm": {"/bin/sh", "/usr/sbin/useradd"}}

// info says what the package is.
func (r *release) info(b *built, format string, contents files.Contents) *nfpm.Info {
	version, prerelease, _ := strings.Cut(strings.TrimPrefix(r.version, "v"), "-")
	script := func(name string) string { return filepath.Join(r.source, "packaging", "files", name+".sh") }
	info := &nfpm.Info{
		Name: "chaveiro", Arch: b.arch, Platform: "linux", Version: version, Prerelease: prerelease, Release: "1",
		Section: "net", Priority: "optional", Maintainer: maintainer,
		Vendor: "Chaveiro", Homepage: "https://github.com/chaveiro/chaveiro", License: "Apache-2.0",
		Description: description, MTime: r.commit.time,
	}
	info.Contents = contents
	info.Scripts = nfpm.Scripts{
		PostInstall: script("postinstall"), PreRemove: script("preremove"), PostRemove: script("postremove"),
	}
	info.Depends = requires[format]
	info.Recommends = []string{"ca-certificates"}
	info.Deb.Compression = "gzip"
	info.RPM = nfpm.RPM{
		Compression: "gzip", Summary: "Keeps the keys of a network", Group: "System Environment/Daemons",
		BuildHost: "localhost",
	}
	return info
}

const description = `keeps the keys of a network
A self-hosted service that issues, renews and revokes the certificates of
OpenVPN sites and users with its own certificate authority, manages apikeys,
and registers the devices of a privileged-access vault. It works on SQLite or
PostgreSQL. The agent beside an OpenVPN server is the same program.`

// staged is a file of a package.
type staged struct {
	path    string
	mode    fs.FileMode
	kind    string // "" is a plain file
	content []byte
}

// stage writes what the package has inside into a directory, and lists it.
func (r *release) stage(b *built, format, dir string) (files.Contents, error) {
	list, err := r.files(b, format)
	if err != nil {
		return nil, err
	}
	contents := files.Contents{r.entry("/etc/chaveiro", files.TypeDir, "", 0o750)}
	contents = append(contents, r.entry("/usr/bin/chaveiro", files.TypeFile, b.program, 0o755))
	for i, one := range list {
		source := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(source, one.content, 0o600); err != nil {
			return nil, err
		}
		contents = append(contents, r.entry(one.path, one.kind, source, one.mode))
	}
	return contents, nil
}

func (r *release) entry(path, kind, source string, mode fs.FileMode) *files.Content {
	return &files.Content{
		Source: source, Destination: path, Type: kind,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: r.commit.time},
	}
}

// files are those of the package beside the program. Directories differ where the distributions do.
func (r *release) files(b *built, format string) ([]staged, error) {
	const share = "/usr/share"
	zsh, doc := share+"/zsh/site-functions/_chaveiro", share+"/doc/chaveiro/"
	var list []staged
	if format == "deb" {
		zsh = share + "/zsh/vendor-completions/_chaveiro"
		list = []staged{{path: doc + "changelog.Debian.gz", content: zipped(r.debianChangelog())}}
	}
	list = append(list, []staged{
		{path: share + "/man/man1/chaveiro.1.gz", content: zipped(b.manual)},
		{path: share + "/bash-completion/completions/chaveiro", content: b.scripts["bash"]},
		{path: share + "/fish/vendor_completions.d/chaveiro.fish", content: b.scripts["fish"]},
		{path: zsh, content: b.scripts["zsh"]},
		{path: doc + "copyright", content: b.terms},
		{path: doc + "sbom.cdx.json", content: b.sbom},
		{path: doc + "examples/chaveiro-agent.service", content: b.unit},
	}...)
	for _, one := range copied {
		if one.only != "" && one.only != format {
			continue
		}
		content, err := os.ReadFile(filepath.Join(r.source, one.source))
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(one.path, ".gz") {
			content = zipped(content)
		}
		list = append(list, staged{one.path, one.mode, one.kind, content})
	}
	for i := range list {
		list[i].mode = cmp.Or(list[i].mode, 0o644)
	}
	return list, nil
}

const maintainer = "Chaveiro <maintainers@chaveiro.example>"

// debianChangelog is what Debian wants beside the changelog of the program (deb-changelog(5)).
func (r *release) debianChangelog() []byte {
	version := strings.Replace(strings.TrimPrefix(r.version, "v"), "-", "~", 1)
	return fmt.Appendf(nil, "chaveiro (%s-1) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n",
		version, maintainer, r.commit.time.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
}

// copied are the files of a package that are in the repository.
var copied = []struct {
	source, path string
	mode         fs.FileMode
	kind, only   string // of the package alone
}{
	{"packaging/files/chaveiro.yaml", "/etc/chaveiro/chaveiro.yaml", 0o640, files.TypeConfigNoReplace, ""},
	{"packaging/files/chaveiro.service", "/usr/lib/systemd/system/chaveiro.service", 0, "", ""},
	{"packaging/files/chaveiro.sysusers", "/usr/lib/sysusers.d/chaveiro.conf", 0, "", ""},
	{"packaging/files/lintian-overrides", "/usr/share/lintian/overrides/chaveiro", 0, "", "deb"},
	{"CHANGELOG.md", "/usr/share/doc/chaveiro/changelog.gz", 0, "", ""},
	{"docs/install.md", "/usr/share/doc/chaveiro/install.md", 0, "", ""},
}

// zipped compresses without a name and a time.
func zipped(text []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	w.Write(text) // a buffer takes everything
	w.Close()
	return out.Bytes()
}
