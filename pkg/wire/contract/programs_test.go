package contract_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func bytesContain(text []byte, key string) bool { return bytes.Contains(text, []byte(`"`+key+`":`)) }

// needPrograms skips a test of other programs unless `make contract` or CI runs it.
func needPrograms(t *testing.T) {
	t.Helper()
	if os.Getenv("CHAVEIRO_CONTRACT") == "" {
		t.Skip("needs other programs: make contract")
	}
}

// redocly returns a command of Redocly, which runs in the folder openapi. Without Redocly the test
// is skipped, and with CI=true it fails.
func redocly(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	needPrograms(t)
	program, err := filepath.Abs(root + "openapi/lint/node_modules/.bin/redocly")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		missing(t, "Redocly is missing: scripts/setup.sh redocly")
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = root + "openapi" // whose redocly.yaml names the documents
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	return cmd
}

// missing skips a test for want of a program, which is a failure with CI=true.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// python returns the folder of the programs that scripts/setup.sh has installed for a need, by the
// lock file of a folder of the repository.
func python(t *testing.T, folder, need string) string {
	t.Helper()
	return filepath.Join(installed(t, "python-", folder+"/requirements.txt", need), "bin")
}

// installed returns the folder that scripts/setup.sh has made for a need, by this lock file. Its
// name begins with the prefix.
func installed(t *testing.T, prefix, lock, need string) string {
	t.Helper()
	text, err := os.ReadFile(root + lock)
	if err != nil {
		t.Fatal(err)
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	sum := sha256.Sum256(text)
	place := filepath.Join(cache, "chaveiro", prefix+hex.EncodeToString(sum[:])[:16])
	if _, err := os.Stat(filepath.Join(place, "ready")); err != nil {
		missing(t, "packages are missing: scripts/setup.sh "+need)
	}
	return place
}

// TestRedocly: Redocly's strictest rules find nothing.
func TestRedocly(t *testing.T) {
	t.Parallel()
	if out, err := redocly(t, "lint", "--format", "stylish").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestWorkflows: the workflows of openapi/arazzo can be walked on a running server.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	files, err := filepath.Glob(root + "openapi/arazzo/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	server := start(t)
	args := []string{
		"respect", "--input", "token=" + server.Token, "--server", "api=" + server.URL + "/api", "--server",
		"pam=" + server.URL + "/iso",
	}
	for _, file := range files {
		args = append(args, "arazzo/"+filepath.Base(file))
	}
	if out, err := redocly(t, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// broken is a break that oasdiff finds.
type broken struct{ ID, Text, OperationID string }

// TestBreaks: what breaks clients of the contract that was released last is named in the change
// log: one entry has the id of the rule and the operationId.
func TestBreaks(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	entries := unreleased(t)
	for _, contract := range contracts {
		for _, one := range breaksOf(t, contract.name) {
			if !named(entries, one) {
				t.Errorf("%s: CHANGELOG.md does not name `%s` of `%s`: %s", contract.name, one.ID, one.OperationID, one.Text)
			}
		}
	}
}

// TestBreaks_AreFound: a contract without an operation breaks clients, and no entry names it.
func TestBreaks_AreFound(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	text, err := os.ReadFile(root + "openapi/released/pam.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "pam.yaml")
	moved := bytes.Replace(text, []byte("  /pam/device:\n"), []byte("  /pam/gadget:\n"), 1)
	if err := os.WriteFile(changed, moved, 0o600); err != nil {
		t.Fatal(err)
	}
	found := compare(t, root+"openapi/released/pam.yaml", changed)
	if len(found) == 0 || named(unreleased(t), found[0]) {
		t.Errorf("found %v", found)
	}
}

func breaksOf(t *testing.T, name string) []broken {
	t.Helper()
	return compare(t, root+"openapi/released/"+name+".yaml", root+"gen/"+name+"/openapi.gen.json")
}

func compare(t *testing.T, released, present string) []broken {
	t.Helper()
	cmd := exec.CommandContext(
		t.Context(), "go", "tool", "-modfile="+root+"tools/go.mod", "oasdiff", "breaking", "--format", "json", released, present,
	)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("oasdiff: %v\n%s", err, &said)
	}
	var found []broken
	if err := json.Unmarshal(out, &found); len(bytes.TrimSpace(out)) > 0 && err != nil {
		t.Fatalf("oasdiff: %v\n%s", err, out)
	}
	return found
}

// unreleased returns the entries of the change log that are not released.
func unreleased(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(root + "CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "## [Unreleased]\n")
	if !ok {
		t.Fatal("CHANGELOG.md has no [Unreleased]")
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	return strings.Split(section, "\n* ")
}

func named(entries []string, one broken) bool {
	for _, entry := range entries {
		if strings.Contains(entry, "`"+one.ID+"`") && strings.Contains(entry, "`"+one.OperationID+"`") {
			return true
		}
	}
	return false
}
