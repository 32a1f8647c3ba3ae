package pkg_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newResource is a whole resource that is not in the tree: the example in part d of
// docs/CONTRIBUTING.md.
const newResource = "pkg/testdata/newresource.patch"

const renewing = newResource + ` no longer fits. Renew it by the commands in part d of docs/CONTRIBUTING.md:
	git apply --3way ` + newResource + `, repair, write the patch anew, and take the resource out again.`

// changed are the packages that the patch changes. provenBy are those of their tests that a
// resource is tested by, and proofs are some that must have been there.
const (
	changed  = "./db ./pkg/domain ./pkg/store/... ./pkg/pki ./pkg/service ./pkg/wire ./pkg/wire/api"
	provenBy = `^TestMigrations|^TestDepotUpdate_Apply$|^TestSQLite$/^Depots$|^TestNew_Whole$|^TestAudit$|` +
		`^TestEveryField$/^sqlite$/^depot$|^TestScopes$|^TestTranscripts$|^TestHead_AllOperations$|^TestRequestKey_EveryOperation$`
	proofs = "TestMigrations_Both TestDepotUpdate_Apply TestSQLite/Depots TestNew_Whole TestAudit/sqlite/depots " +
		"TestEveryField/sqlite/depot TestScopes TestTranscripts/files/depots.txt TestHead_AllOperations " +
		"TestRequestKey_EveryOperation"
)

// TestNewResource adds a resource to a copy of the repository, by the patch alone, and generates,
// builds and tests it there. It fails after a change of what the steps in CONTRIBUTING are about.
// With -trimpath the build cache knows the packages wherever the copy is.
func TestNewResource(t *testing.T) {
	t.Parallel()
	if os.Getenv("CHAVEIRO_NEWRESOURCE") == "" {
		t.Skip("it builds the whole repository: make newresource, which make test runs too")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	dir := t.TempDir()
	if err := copyFiles(ctx, dir); err != nil {
		t.Fatal(err)
	}
	var output []byte
	for _, step := range []string{
		"git apply " + newResource,
		"go generate .",
		"go build -trimpath ./...",
		"go test -trimpath -v -short -vet=all -run " + provenBy + " " + changed,
	} {
		began := time.Now()
		var err error
		if output, err = in(ctx, dir, strings.Fields(step)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s\n%s", step, err, output, renewing)
		}
		t.Logf("%s: %v", step, time.Since(began).Round(time.Millisecond))
	}
	for _, proof := range strings.Fields(proofs) {
		if !strings.Contains(string(output), "--- PASS: "+proof+" ") {
			t.Errorf("%s is no test any more: name another one here", proof)
		}
	}
}

// in is a command in a copy; no repository around it counts.
func in(ctx context.Context, dir string, command ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	for _, one := range os.Environ() {
		if !strings.HasPrefix(one, "GIT_") {
			cmd.Env = append(cmd.Env, one)
		}
	}
	cmd.Env = append(cmd.Env, "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GOFLAGS=-mod=readonly", "GOWORK=off")
	return cmd
}

// copyFiles copies the files that git knows or would add, as they are now.
func copyFiles(ctx context.Context, dir string) error {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = ".."
	output, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(output), "\x00"), "\x00") {
		if err := copyFile(filepath.Join("..", name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if os.IsNotExist(err) { // it was deleted, which git does not know yet
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
