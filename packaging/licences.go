package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences (https://spdx.org/licenses/) that code in the program may have. All let
// it be given away as a binary when their texts go with it.
var allowed = []string{
	"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "0BSD", "CC0-1.0", "Unlicense", "Zlib", "blessing",
}

// reviewed are texts that no program understands, by their SHA-256, with the licences that somebody
// who has read them found for what is in the program. A text that changes has to be read again.
var reviewed = map[string][]string{
	// modernc.org/libc, LICENSE-3RD-PARTY.md: Go, musl, go-netdb, nixpkgs
	"f597097efe3d97021f89170746bd3a0fb9a8b6fb26b82043ed68a4e0283bee6c": {"BSD-3-Clause", "MIT"},
	// modernc.org/memory, LICENSE-LOGO: where a picture comes from, which is not in the program
	"5ae5bee3072a841376451b48d8cfcec7188e10543926d5870828d36c8a750dc5": {},
	// modernc.org/sqlite, LICENSE-3RD-PARTY.md: section 1, what is linked; MPL-2.0 is of a module
	// in section 3, which is not
	"b4366b9c27a9364633e015011a231913ed19bf1228f335bf617e50a6f7b168a6": {"BSD-3-Clause", "MIT", "blessing"},
	// modernc.org/sqlite, LICENSE-SQLITE: public domain
	"8438c9c89b849131ead81d5435cb97fcf052df5b0b286dda8a2d4c29e6cb3fd0": {"blessing"},
}

// leastKnown is how much of a text, in percent, must be of licences that are known. The rest are
// names and years.
const leastKnown = 75

// module is a module that is in the program.
type module struct {
	path, version, sum string
	licences           []string // SPDX identifiers, sorted
	texts              []licenceText
}

// url is the name of the module among all packages (https://github.com/package-url/purl-spec).
func (m module) url() string {
	if m.path == explorerName {
		return "pkg:npm/" + m.path + "@" + m.version
	}
	return "pkg:golang/" + m.path + "@" + m.version
}

type licenceText struct {
	name string // of the file, below the module
	text []byte
}

// modules are those in a program, with their licences. A module is in when one of its packages is:
// what the tests and the tools need is not.
func (r *release) modules(ctx context.Context, program, arch string) ([]module, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	folders, err := r.packageFolders(ctx, arch)
	if err != nil {
		return nil, err
	}
	list := []module{}
	for _, one := range info.Deps {
		if one.Replace != nil {
			one = one.Replace
		}
		m := module{path: one.Path, version: one.Version, sum: one.Sum}
		if err := m.read(folders[m.path]); err != nil {
			return nil, fmt.Errorf("%s: %w", m.path, err)
		}
		list = append(list, m)
	}
	golang, err := r.standardLibrary(ctx, info.GoVersion)
	if err != nil {
		return nil, err
	}
	explorer, err := r.explorer()
	return append(list, golang, explorer), err
}

// explorerName is the package of npm that the explorer of the API is a copy of.
const explorerName = "swagger-ui-dist"

// explorer is the explorer of the API, files that are embedded.
func (r *release) explorer() (module, error) {
	dir := filepath.Join(r.source, "pkg", "wire", "docs", "swagger")
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		return module{}, err
	}
	version := regexp.MustCompile(`(?m)^\| version \| (\S+) \|$`).FindSubmatch(text)
	if version == nil {
		return module{}, errors.New("the README of the explorer does not say its version")
	}
	m := module{path: explorerName, version: string(version[1])}
	return m, m.read(moduleFolders{root: dir})
}

// moduleFolders are the root of a module and the folders of its packages that are in the program.
type moduleFolders struct {
	root     string
	packages []string
}

func (r *release) packageFolders(ctx context.Context, arch string) (map[string]moduleFolders, error) {
	text, err := output(ctx, r.source, []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch, "GOFLAGS="},
		"go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}\t{{$.Dir}}{{end}}", "./cmd/chaveiro")
	if err != nil {
		return nil, err
	}
	folders := map[string]moduleFolders{}
	for line := range strings.Lines(string(text)) {
		if parts := strings.Split(strings.TrimSpace(line), "\t"); len(parts) == 3 {
			m := folders[parts[0]]
			folders[parts[0]] = moduleFolders{parts[1], append(m.packages, parts[2])}
		}
	}
	return folders, nil
}

// standardLibrary is the library of Go as a module. Its licence is beside the toolchain.
func (r *release) standardLibrary(ctx context.Context, version string) (module, error) {
	root, err := output(ctx, r.source, nil, "go", "env", "GOROOT")
	if err != nil {
		return module{}, err
	}
	m := module{path: "std", version: strings.TrimPrefix(version, "go")}
	return m, m.read(moduleFolders{root: strings.TrimSpace(string(root))})
}

// licenceFile matches names of files with terms, and noticeFile those that are not the licence of
// their module. They go along, as Apache-2.0 (4d) asks.
var (
	licenceFile = regexp.MustCompile(`(?i)^((un)?licen[cs]e|copying|notice|patents|.*\.js\.license)([-._].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^(notice|patents|.*\.js\.license)`)
)

// read reads the terms in the folders of the packages and in those above them, up to the root.
func (m *module) read(f moduleFolders) error {
	if f.root == "" {
		return errors.New("its folder is unknown")
	}
	places := map[string]bool{f.root: true}
	for _, dir := range f.packages {
		for ; strings.HasPrefix(dir, f.root) && !places[dir]; dir = filepath.Dir(dir) {
			places[dir] = true
		}
	}
	for dir := range places {
		if err := m.readFolder(f.root, dir); err != nil {
			return err
		}
	}
	slices.SortFunc(m.texts, func(a, b licenceText) int { return cmp.Compare(a.name, b.name) })
	slices.Sort(m.licences)
	m.licences = slices.Compact(m.licences)
	return nil
}

func (m *module) readFolder(root, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !licenceFile.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		m.texts = append(m.texts, licenceText{filepath.ToSlash(name), text})
		m.licences = append(m.licences, identify(entry.Name(), text)...)
	}
	return nil
}

// unknown stands for a text that is of no licence that is known.
const unknown = "unknown"

// identify names the licences of a text.
func identify(name string, text []byte) []string {
	if noticeFile.MatchString(name) {
		return nil
	}
	if found, ok := reviewed[fmt.Sprintf("%x", sha256.Sum256(text))]; ok {
		return found
	}
	coverage := licensecheck.Scan(text)
	var found []string
	for _, match := range coverage.Match {
		found = append(found, match.ID)
	}
	if coverage.Percent >= leastKnown && len(found) > 0 {
		return found
	}
	return append(found, unknown)
}

// refuse fails for modules without a licence, or with one that is not allowed.
func refuse(modules []module) error {
	var faults []error
	for _, m := range modules {
		if len(m.licences) == 0 {
			faults = append(faults, fmt.Errorf("%s %s has no licence", m.path, m.version))
		}
		for _, id := range m.licences {
			if !slices.Contains(allowed, id) {
				faults = append(faults, fmt.Errorf("%s %s has the licence %s, which is not allowed", m.path, m.version, id))
			}
		}
	}
	return errors.Join(faults...)
}

// terms are the licences of the program and of all that is in it, as one text.
func terms(modules []module) []byte {
	var out bytes.Buffer
	out.WriteString("Chaveiro is under the Apache License, version 2.0. These modules are in the program:\n\n")
	for _, m := range modules {
		fmt.Fprintf(&out, "  %s %s: %s\n", m.path, m.version, strings.Join(m.licences, ", "))
	}
	for _, m := range modules {
		for _, one := range m.texts {
			fmt.Fprintf(&out, "\n%s\n%s %s, %s\n\n", strings.Repeat("=", 78), m.path, m.version, one.name)
			out.Write(bytes.TrimSpace(one.text))
			out.WriteString("\n")
		}
	}
	return out.Bytes()
}
