// Package pkg_test checks the rules of the code base: which package may import which, which names
// no package has, and how long and wide code may be.
package pkg_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/chaveiro/chaveiro"

// pkg is the description of a package by `go list -json`. Imports are those of its production code.
type pkg struct {
	ImportPath, Name, Dir   string
	GoFiles, IgnoredGoFiles []string
	Imports                 []string
}

// path returns the import path within the module.
func (p pkg) path() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

// forTests reports whether only tests and programs for developers may import the package. The rules
// don't apply to its own code.
func (p pkg) forTests() bool { return strings.HasSuffix(p.path(), "test") }

// forDevelopers reports whether the package is a program that is not shipped. The rules of layers
// don't apply to it.
func (p pkg) forDevelopers() bool {
	return slices.Contains([]string{"bench", "demo", "faults"}, p.path())
}

// layers lists what a package may import besides the standard library. Patterns are paths within
// the module or of other modules; a pattern that ends in /... includes everything below it.
var layers = map[string][]string{
	"db":                     {},
	"pkg/domain":             {"golang.org/x/text/unicode/norm", "github.com/trustelem/zxcvbn/frequency"},
	"pkg/seal":               {},
	"pkg/kms":                {},
	"pkg/kms/token":          {"pkg/kms", "github.com/ThalesGroup/crypto11", "github.com/miekg/pkcs11"},
	"pkg/kms/transit":        {"pkg/kms"},
	"pkg/kms/awskms":         {"pkg/kms", "github.com/aws/..."},
	"pkg/csvfile":            {"pkg/domain"},
	"pkg/vault/devicefile":   {"pkg/domain", "pkg/csvfile"},
	"pkg/pki/pkidir":         {"pkg/domain"},
	"pkg/bounded":            {"golang.org/x/time/rate"},
	"pkg/ca":                 {"golang.org/x/crypto/..."},
	"pkg/openvpn":            {"pkg/domain"},
	"pkg/openvpn/kits":       {"pkg/openvpn"},
	"pkg/openvpn/management": {},
	"pkg/agent":              {"pkg/ca", "pkg/openvpn/management", "pkg/spans", "gen/sdk/go"},
	"pkg/auth":               {"pkg/domain", "github.com/golang-jwt/jwt/v5", "golang.org/x/crypto/..."},
	"pkg/turns":              {"pkg/domain", "pkg/bounded"},
	"pkg/spans": {
		"go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes", "go.opentelemetry.io/otel/propagation",
		"go.opentelemetry.io/otel/trace",
	},
	"pkg/telemetry":   {"pkg/domain", "pkg/spans", "go.opentelemetry.io/..."},
	"pkg/history":     {"pkg/domain"},
	"pkg/idempotency": {"pkg/domain", "pkg/seal"},
	"pkg/audit":       {"pkg/domain", "pkg/auth", "pkg/bounded", "pkg/turns", "pkg/idempotency"},
	"pkg/pki": {
		"pkg/domain", "pkg/ca", "pkg/seal", "pkg/history", "pkg/audit", "pkg/bounded", "pkg/turns",
		"pkg/idempotency", "pkg/csvfile", "pkg/kms", "pkg/spans",
	},
	"pkg/access": {
		"pkg/domain", "pkg/auth", "pkg/seal", "pkg/history", "pkg/audit", "pkg/bounded", "pkg/turns",
		"pkg/idempotency",
	},
	"pkg/vault": {
		"pkg/domain", "pkg/auth", "pkg/seal", "pkg/access", "pkg/audit", "pkg/bounded", "pkg/turns",
		"pkg/idempotency", "pkg/vault/devicefile",
	},
	"pkg/tunnel": {
		"pkg/domain", "pkg/openvpn", "pkg/openvpn/kits", "pkg/pki", "pkg/seal", "pkg/audit", "pkg/bounded", "pkg/turns",
		"pkg/idempotency",
	},
	"pkg/events":    {"pkg/domain", "pkg/turns", "pkg/audit", "pkg/idempotency", "pkg/seal", "pkg/spans"},
	"pkg/mail":      {"pkg/domain", "pkg/audit", "pkg/idempotency", "pkg/mail/smtp", "pkg/spans"},
	"pkg/mail/smtp": {"github.com/wneessen/go-mail"},
	"pkg/census":    {"pkg/domain"},
	"pkg/masterkey": {"pkg/domain", "pkg/seal", "pkg/audit"},
	"pkg/tasks":     {"pkg/domain"},
	"pkg/service": {
		"pkg/domain", "pkg/ca", "pkg/seal", "pkg/auth", "pkg/turns", "pkg/history", "pkg/idempotency", "pkg/audit",
		"pkg/pki", "pkg/access", "pkg/vault", "pkg/tunnel", "pkg/events", "pkg/mail", "pkg/mail/smtp", "pkg/census",
		"pkg/kms", "pkg/masterkey", "pkg/spans", "pkg/tasks",
	},
	"pkg/store": {
		"pkg/domain", "pkg/spans", "db", "gorm.io/...", "github.com/pressly/goose/v3/...", "github.com/jackc/pgx/v5/...",
		"modernc.org/sqlite/...",
	},
	// All commands except serve work without HTTP.
	"cmd/chaveiro": {
		"pkg/app", "pkg/telemetry", "pkg/spans", "pkg/agent", "gen/sdk/go", "pkg/openvpn/management", "pkg/domain", "pkg/service", "pkg/audit",
		"pkg/pki", "pkg/pki/pkidir", "pkg/vault", "pkg/tunnel", "pkg/openvpn", "pkg/store", "pkg/masterkey",
		"github.com/alecthomas/kong",
		"go.yaml.in/yaml/v3",
		"golang.org/x/term",
	},
}

// owners lists the only packages that may import something.
var owners = map[string][]string{
	"gorm.io/...":                  {"pkg/store/..."},
	"github.com/wneessen/...":      {"pkg/mail/smtp"},
	"github.com/labstack/echo/...": {"pkg/wire/...", "gen/..."},
	"github.com/chromedp/...":      {"pkg/wire/docs/browsertest"},
	"github.com/alecthomas/kong":   {"cmd/..."},
	"go.opentelemetry.io/...":      {"pkg/spans", "pkg/telemetry"},
	"gen/api":                      {"pkg/wire/..."},
	"gen/pam":                      {"pkg/wire/..."},
	"gen/sdk/...":                  {"pkg/agent", "cmd/chaveiro"},
	"pkg/wire/...":                 {"pkg/wire/...", "pkg/app"},
	"pkg/store/...":                {"pkg/app", "cmd/chaveiro"},
	"pkg/app":                      {"cmd/..."},
	"pkg/ca":                       {"pkg/pki", "pkg/service", "pkg/agent"},
	"pkg/seal": {
		"pkg/idempotency", "pkg/pki", "pkg/access", "pkg/vault", "pkg/tunnel", "pkg/events", "pkg/masterkey",
		"pkg/service", "pkg/app",
	},
	"pkg/kms":                         {"pkg/kms/...", "pkg/pki", "pkg/service", "pkg/app"},
	"github.com/ThalesGroup/crypto11": {"pkg/kms/token"},
	"github.com/miekg/pkcs11":         {"pkg/kms/token"},
	"github.com/aws/...":              {"pkg/kms/awskms"},
	"github.com/jackc/pgx/v5/...":     {"pkg/store/..."},
	"modernc.org/sqlite/...":          {"pkg/store/..."},
	"github.com/getkin/kin-openapi":   {"pkg/wire/...", "gen/...", "cmd/specbundle", "cmd/sdkgen/model"},
}

// dialects are the wire dialects, which must not import each other.
var dialects = []string{"api", "pam"}

// forbiddenNames are names that do not say what a package is for.
var forbiddenNames = []string{"util", "utils", "common", "helper", "helpers", "dto", "mapper", "usecase"}

// violations checks the names and the imports of packages.
func violations(packages []pkg) []string {
	var found []string
	for _, p := range packages {
		if slices.Contains(forbiddenNames, p.Name) || slices.Contains(forbiddenNames, path.Base(p.ImportPath)) {
			found = append(found, fmt.Sprintf("%s is named %s", p.path(), p.Name))
		}
		for _, imported := range p.Imports {
			if reason := forbids(p, imported); reason != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", p.path(), local(imported), reason))
			}
		}
	}
	return found
}

// forbids returns why a package must not import another; "" if it may.
func forbids(p pkg, imported string) string {
	if p.forDevelopers() || p.forTests() || isStandard(imported) {
		return ""
	}
	target := local(imported)
	if strings.HasSuffix(target, "test") && strings.HasPrefix(imported, module) {
		return "that is for tests"
	}
	if allowed, ok := layers[p.path()]; ok && !matchesAny(allowed, target) {
		return "its layer does not"
	}
	for pattern, allowed := range owners {
		if matches(pattern, target) && !matchesAny(allowed, p.path()) {
			return fmt.Sprintf("only %s may", strings.Join(allowed, " and "))
		}
	}
	for _, dialect := range dialects {
		if matches("pkg/wire/"+dialect+"/...", p.path()) && isOtherDialect(dialect, target) {
			return "that is the other dialect"
		}
	}
	return ""
}

func isOtherDialect(dialect, target string) bool {
	return slices.ContainsFunc(dialects, func(other string) bool {
		return other != dialect && matchesAny([]string{"pkg/wire/" + other + "/...", "gen/" + other + "/..."}, target)
	})
}

// isStandard reports whether a path is of the standard library: paths of other modules begin with a
// host name.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func local(imported string) string { return strings.TrimPrefix(imported, module+"/") }

func matches(pattern, name string) bool {
	if prefix, below := strings.CutSuffix(pattern, "/..."); below {
		return name == prefix || strings.HasPrefix(name, prefix+"/")
	}
	return name == pattern
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) })
}

func TestImports(t *testing.T) {
	t.Parallel()
	packages := list(t)
	for _, violation := range violations(packages) {
		t.Error(violation)
	}
	for layer := range layers {
		if !slices.ContainsFunc(packages, func(p pkg) bool { return p.path() == layer }) {
			t.Errorf("there is a rule for %s and no such package", layer)
		}
	}
}

// TestViolations checks that a violation of each kind of rule is found.
func TestViolations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		importer, imported string
		want               bool
	}{
		{"pkg/domain", "time", false},
		{"pkg/domain", "golang.org/x/text/cases", true},
		{"pkg/domain", module + "/pkg/ca", true},
		{"pkg/ca", "golang.org/x/crypto/scrypt", false},
		{"pkg/ca", module + "/pkg/domain", true},
		{"pkg/pki", module + "/pkg/openvpn", true},
		{"pkg/pki", module + "/pkg/access", true},
		{"pkg/access", module + "/pkg/pki", true},
		{"pkg/access", module + "/pkg/vault", true},
		{"pkg/audit", module + "/pkg/access", true},
		{"pkg/vault", module + "/pkg/access", false},
		{"pkg/service", module + "/pkg/openvpn", true},
		{"pkg/service", module + "/pkg/store", true},
		{"pkg/service", "gorm.io/gorm", true},
		{"pkg/store", "gorm.io/gorm/clause", false},
		{"pkg/store/lease", "gorm.io/gorm", false},
		{"pkg/app", "gorm.io/gorm", true},
		{"pkg/wire/api", "github.com/labstack/echo/v4", false},
		{"gen/pam", "github.com/labstack/echo/v4", false},
		{"pkg/app", "github.com/labstack/echo/v4", true},
		{"pkg/wire/api", module + "/pkg/wire/oas", false},
		{"pkg/wire/api", module + "/pkg/wire/pam", true},
		{"pkg/wire/api", module + "/gen/pam", true},
		{"pkg/wire/pam", module + "/gen/api", true},
		{"pkg/wire/api", module + "/pkg/store", true},
		{"pkg/wire/api", module + "/pkg/app", true},
		{"pkg/wire/api", module + "/pkg/ca", true},
		{"cmd/chaveiro", module + "/pkg/app", false},
		{"cmd/chaveiro", module + "/pkg/service", false},
		{"cmd/chaveiro", module + "/pkg/wire", true},
		{"cmd/chaveiro", module + "/pkg/auth", true},
		{"cmd/chaveiro", module + "/pkg/ca", true},
		{"pkg/app", module + "/pkg/store/pgtest", true},
		{"pkg/openvpn", module + "/pkg/openvpn/openvpntest", true},
		{"pkg/app/apptest", module + "/pkg/app", false},
		{"bench", module + "/pkg/store/pgtest", false},
	} {
		p := pkg{
			ImportPath: module + "/" + test.importer, Name: path.Base(test.importer), Imports: []string{test.imported},
		}
		if found := violations([]pkg{p}); (len(found) > 0) != test.want {
			t.Errorf("%s imports %s: found %q", test.importer, test.imported, found)
		}
	}
	named := []pkg{{ImportPath: module + "/pkg/helpers", Name: "helpers"}, {ImportPath: module + "/pkg/a", Name: "dto"}}
	if diff := cmp.Diff([]string{"pkg/helpers is named helpers", "pkg/a is named dto"}, violations(named)); diff != "" {
		t.Error(diff)
	}
}

// claimed matches what a package comment says about its imports.
var claimed = regexp.MustCompile(`\bIt imports (.*?)(?:\.(?: |$)|;|, and (?:knows|of others) )`)

// falseClaims returns the differences between the imports from this module that a package comment
// names and the actual ones.
func falseClaims(p pkg, doc string) []string {
	claim := claimed.FindStringSubmatch(strings.Join(strings.Fields(doc), " ") + " ")
	if claim == nil {
		return []string{p.path() + ": its comment does not say what it imports"}
	}
	var actual []string
	for _, imported := range p.Imports {
		if strings.HasPrefix(imported, module) {
			actual = append(actual, strings.TrimPrefix(local(imported), "pkg/"))
		}
	}
	said := strings.FieldsFunc(claim[1], func(r rune) bool { return r == ' ' || r == ',' })
	var found []string
	for _, name := range actual {
		if !slices.Contains(said, name) {
			found = append(found, fmt.Sprintf("%s: its comment does not say that it imports %s", p.path(), name))
		}
	}
	for _, name := range said {
		if _, isLocal := layers["pkg/"+name]; (isLocal || strings.HasPrefix(name, "gen/") ||
			strings.HasPrefix(name, "wire/")) && !slices.Contains(
			actual, name,
		) {
			found = append(found, fmt.Sprintf("%s: its comment says that it imports %s", p.path(), name))
		}
	}
	return found
}

// TestDocs: the comment of each package names what it imports from this module.
func TestDocs(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		if !strings.HasPrefix(p.path(), "pkg/") || p.forTests() {
			continue
		}
		for _, fault := range falseClaims(p, packageComment(t, p)) {
			t.Error(fault)
		}
	}
	one := pkg{
		ImportPath: module + "/pkg/a", Imports: []string{"time", module + "/pkg/domain", module + "/pkg/wire/oas"},
	}
	for doc, want := range map[string]int{
		"It imports domain and wire/oas. More.": 0, "It imports domain, and knows nothing.": 1,
		"It imports domain, ca and wire/oas.": 1,
		"It imports nothing of this module.":  2, "It has no imports.": 1,
		"It imports gen/api, domain and\nwire/oas; nothing else.": 1,
	} {
		if found := falseClaims(one, doc); len(found) != want {
			t.Errorf("%q: %q", doc, found)
		}
	}
}

// packageComment returns the whole comment of a package.
func packageComment(t *testing.T, p pkg) string {
	t.Helper()
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(
			token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments,
		)
		if err != nil {
			t.Fatal(err)
		}
		if file.Doc != nil {
			return file.Doc.Text()
		}
	}
	return ""
}

// list returns the packages of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(
		t.Context(), "go", "list", "-json=ImportPath,Name,Dir,GoFiles,IgnoredGoFiles,Imports", "./...",
	)
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
