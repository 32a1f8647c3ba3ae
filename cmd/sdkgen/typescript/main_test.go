package typescript_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(apptest.Clean(), os.RemoveAll(compiled.dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// compiled is a folder with the SDK, as it would be installed, and the tests; both as JavaScript.
var compiled struct {
	once sync.Once
	dir  string
	err  error
}

// tools returns the folder of the packages that compile, and Node. Without them the test is
// skipped, or fails where CI is true. Without CHAVEIRO_SDKS it is skipped.
func tools(t *testing.T) (packages, node string) {
	t.Helper()
	if os.Getenv("CHAVEIRO_SDKS") == "" {
		t.Skip("needs Node: make sdks")
	}
	packages, errPackages := filepath.Abs("node_modules")
	node, errNode := exec.LookPath("node")
	_, errCompiler := os.Stat(compiler(packages))
	if err := errors.Join(errPackages, errNode, errCompiler); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("make setup installs what is missing: %v", err)
		}
		t.Skipf("make setup installs what is missing: %v", err)
	}
	return packages, node
}

func compiler(packages string) string { return filepath.Join(packages, "typescript", "bin", "tsc") }

// compile returns the folder of compiled, which the first call of a test binary makes.
func compile(t *testing.T) string {
	t.Helper()
	packages, node := tools(t)
	compiled.once.Do(func() { compiled.dir, compiled.err = build(packages, node) })
	if compiled.err != nil {
		t.Fatal(compiled.err)
	}
	return compiled.dir
}

// build copies the SDK and the tests into a new folder, and compiles the one and then the others.
func build(packages, node string) (string, error) {
	dir, err := os.MkdirTemp("", "chaveiro-typescript-")
	if err != nil {
		return "", err
	}
	sdk, modules := filepath.Join(dir, "sdk"), filepath.Join(dir, "node_modules")
	err = errors.Join(
		os.CopyFS(sdk, os.DirFS(filepath.Join("..", "..", "..", "gen", "sdk", "typescript"))),
		os.CopyFS(filepath.Join(dir, "tests"), os.DirFS("tests")),
		os.CopyFS(filepath.Join(dir, "live"), os.DirFS("live")),
		os.Rename(filepath.Join(dir, "tests", "tsconfig.json"), filepath.Join(dir, "tsconfig.json")),
		copyFile("package.json", filepath.Join(dir, "package.json")),
		os.MkdirAll(filepath.Join(modules, "@chaveiro"), 0o700),
		os.Symlink(sdk, filepath.Join(modules, "@chaveiro", "sdk")),
		os.Symlink(filepath.Join(packages, "@types"), filepath.Join(modules, "@types")),
		os.Symlink(filepath.Join(packages, "undici-types"), filepath.Join(modules, "undici-types")),
	)
	if err != nil {
		return dir, err
	}
	for _, project := range []string{sdk, dir} {
		cmd := exec.Command(node, compiler(packages), "-p", project)
		if output, err := cmd.CombinedOutput(); err != nil {
			return dir, fmt.Errorf("tsc -p %s: %w\n%s", project, err, output)
		}
	}
	return dir, nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// command returns a run of Node in the folder of compiled, with further variables.
func command(ctx context.Context, dir string, variables []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), variables...)
	return cmd
}

// run runs Node and fails the test with what it prints when that fails.
func run(t *testing.T, variables []string, args ...string) string {
	t.Helper()
	output, err := command(t.Context(), compile(t), variables, args...).CombinedOutput()
	if err != nil {
		t.Errorf("node %v: %v\n%s", args, err, output)
	}
	return string(output)
}

// TestRuntime runs the tests of the runtime, against servers of their own.
func TestRuntime(t *testing.T) {
	t.Parallel()
	run(t, []string{"MATERIAL=" + material(t)}, "--test", "out/tests/")
}

// TestBundlers: the types are found as bundlers look for them, too.
func TestBundlers(t *testing.T) {
	t.Parallel()
	dir := compile(t)
	packages, _ := tools(t)
	write(t, dir, "bundled.ts", []byte(`import { Sdk, type ClientSite2Site } from "@chaveiro/sdk";
import { nodeFetch } from "@chaveiro/sdk/node";
export const read: (sdk: Sdk) => Promise<ClientSite2Site[]> = async (sdk) =>
  (await sdk.openvpn.getClientsSite2SitePages().next()).payload;
export const sdk = new Sdk({ fetch: nodeFetch() });
`))
	run(t, nil, compiler(packages), "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022",
		"--module", "esnext", "--moduleResolution", "bundler", "bundled.ts")
}
