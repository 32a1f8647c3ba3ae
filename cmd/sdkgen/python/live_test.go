package python_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/proxytest"
	"github.com/chaveiro/chaveiro/cmd/sdkgen/python/pythontest"
	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// sdkFolder is the generated SDK.
func sdkFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "..", "..", "gen", "sdk", "python"))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// python returns a command of the interpreter that finds the SDK, and leaves no file beside it.
func python(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), pythontest.Interpreter(t), args...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+sdkFolder(t))
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// succeed runs a command, whose output it shows when it fails.
func succeed(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(cmd.Args[1:], " "), err, output)
	}
}

// pytest runs files of tests. That none was run is an error.
func pytest(t *testing.T, env []string, files ...string) {
	t.Helper()
	succeed(t, python(t, env, append([]string{"-m", "pytest", "-q", "-p", "no:cacheprovider"}, files...)...))
}

func TestRuntime(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"calls", "auth", "pages", "webhooks"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pytest(t, nil, "tests/test_"+name+".py")
		})
	}
}

// TestTypes checks the SDK, and what a program sees of it.
func TestTypes(t *testing.T) {
	t.Parallel()
	cache := filepath.Join(filepath.Dir(pythontest.Interpreter(t)), "mypy-cache")
	mypy := python(t, nil, "-m", "mypy", "--cache-dir", cache)
	mypy.Dir = sdkFolder(t)
	succeed(t, mypy)
	program := python(
		t, []string{"MYPYPATH=" + sdkFolder(t) + ":."}, "-m", "mypy", "--strict", "--cache-dir", cache+"-program",
		"conftest.py", "test_calls.py", "test_auth.py", "test_pages.py", "test_webhooks.py", "live",
	)
	program.Dir = "tests"
	succeed(t, program)
	pyright := python(t, nil, "-m", "pyright", "--pythonpath", pythontest.Interpreter(t))
	pyright.Dir = sdkFolder(t)
	succeed(t, pyright)
}

// start starts a server on an empty SQLite database. It returns what a program needs to know of it,
// too.
func start(t *testing.T, args ...string) (*apptest.Process, apptest.Options, []string) {
	t.Helper()
	o := apptest.Options{DataDir: filepath.Join(t.TempDir(), "data"), Args: args}
	p := apptest.Start(t, o)
	if _, err := p.Token(t.Context(), "unused"); err != nil {
		t.Fatal(err)
	}
	token, err := p.Token(t.Context(), "tests")
	if err != nil {
		t.Fatal(err)
	}
	return p, o, []string{"CHAVEIRO_URL=" + p.URL, "CHAVEIRO_TOKEN=" + token}
}

func TestSnippets(t *testing.T) {
	t.Parallel()
	pythontest.Interpreter(t)
	_, _, env := start(t)
	pytest(t, append(env, material(t)...), "tests/live/test_snippets.py")
}

func TestLive(t *testing.T) {
	t.Parallel()
	pythontest.Interpreter(t)
	_, o, env := start(t)
	o.Stdin = "uma senha bem longa\n"
	apptest.MustCommand(t, o, "user", "create", "--username", "maria", "--superuser", "--password-stdin")
	pytest(t, append(env, "README="+filepath.Join(sdkFolder(t), "README.md")), "tests/live/test_live.py")
}

// TestWebhooks: what a server sends is verified.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	pythontest.Interpreter(t)
	_, _, env := start(t, "--webhook-allow", "127.0.0.0/8")
	pytest(t, env, "tests/live/test_deliveries.py")
}

// TestProxy: what a proxy does to requests is mended by trying again, and told apart where not.
func TestProxy(t *testing.T) {
	t.Parallel()
	pythontest.Interpreter(t)
	p, _, env := start(t)
	pytest(t, append(env, "PROXY="+proxytest.Start(t, p.URL)), "tests/live/test_proxy.py")
}

// TestOutage: the server is killed in the middle of an iteration and comes back, and the iteration
// meets every item once.
func TestOutage(t *testing.T) {
	t.Parallel()
	pythontest.Interpreter(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	p, o, env := start(t, "--listen", address)
	cmd := python(t, env, "tests/live/outage.py")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	if lines.Scan() && lines.Text() == "half" {
		p.Kill()
		if again, err := apptest.Launch(t.Context(), apptest.Binary(t), o); err != nil {
			t.Error(err)
		} else {
			t.Cleanup(again.Kill)
		}
	}
	lines.Scan()
	if err := cmd.Wait(); err != nil || lines.Text() != "60 of 60" {
		t.Errorf("%v after %q\n%s", err, lines.Text(), complaints.String())
	}
}
