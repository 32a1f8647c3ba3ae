package samples_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/python/pythontest"
)

// gate skips a test unless the SDKs are to be tested in their languages.
func gate(t *testing.T) {
	t.Helper()
	if os.Getenv("CHAVEIRO_SDKS") == "" {
		t.Skip("make sdks runs the samples")
	}
}

// need returns the path of a program. Without it the test is skipped, or fails where CI is true.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

// environ has the variables of a sample.
func (f *fixture) environ(token string) []string {
	return append(os.Environ(), "CHAVEIRO_URL="+f.url, "CHAVEIRO_TOKEN="+token, "PYTHONDONTWRITEBYTECODE=1")
}

// each runs the samples of a language one after the other.
func (f *fixture) each(t *testing.T, steps []step, exchanged bool, run func(s step, token string) error) {
	t.Helper()
	if len(steps) < 70 {
		t.Fatalf("there are %d samples", len(steps))
	}
	for _, s := range steps {
		if err := run(s, f.token(t, s, exchanged)); err != nil {
			t.Errorf("%s: %v\n%s", s.name(), err, s.source)
		}
		f.check(t, s)
	}
}

func TestCurl(t *testing.T) {
	t.Parallel()
	gate(t)
	need(t, "curl")
	f, dir := start(t), t.TempDir()
	f.each(t, f.steps(t, "curl"), false, func(s step, token string) error {
		return f.command(t, dir, token, "sh", "-euc", s.source)
	})
}

// command runs a program and returns what it prints when it fails.
func (f *fixture) command(t *testing.T, dir, token, name string, args ...string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, f.environ(token)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

// TestGo makes one program of all samples, whose argument is the one to run.
func TestGo(t *testing.T) {
	t.Parallel()
	gate(t)
	f, dir := start(t), t.TempDir()
	steps := f.steps(t, "Go")
	files := []string{"build", "-o", filepath.Join(dir, "program"), filepath.Join(dir, "main.go")}
	var table strings.Builder
	for _, s := range steps {
		file := filepath.Join(dir, s.name()+".go")
		write(t, file, strings.Replace(s.source, "func main()", "func "+s.name()+"()", 1))
		files = append(files, file)
		fmt.Fprintf(&table, "%q: %s,\n", s.name(), s.name())
	}
	write(t, files[3], "package main\n\nimport \"os\"\n\nfunc main() {\nmap[string]func(){\n"+table.String()+"}[os.Args[1]]()\n}\n")
	if output, err := exec.CommandContext(t.Context(), "go", files...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	f.each(t, steps, true, func(s step, token string) error {
		return f.command(t, dir, token, files[2], s.name())
	})
}

func TestPython(t *testing.T) {
	t.Parallel()
	gate(t)
	interpreter := pythontest.Interpreter(t)
	f, dir := start(t), t.TempDir()
	steps := f.steps(t, "Python")
	for _, s := range steps {
		write(t, filepath.Join(dir, s.name()+".py"), s.source)
	}
	write(t, filepath.Join(dir, "run.py"), `import json, os, runpy, sys, traceback

for line in sys.stdin:
    name, os.environ["CHAVEIRO_TOKEN"] = json.loads(line)
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        runpy.run_path(name + ".py", run_name="__main__")
        fault = ""
    except Exception:
        fault = traceback.format_exc()
    sys.stdout = out
    print(json.dumps(fault), flush=True)
`)
	cmd := exec.Command(interpreter, "run.py") // ends with its input
	cmd.Env = append(f.environ(""), "PYTHONPATH="+sdk(t, "python"))
	f.each(t, steps, true, converse(t, cmd, dir))
}

// sdk returns the folder of a generated SDK.
func sdk(t *testing.T, language string) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "..", "..", "gen", "sdk", language))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// converse starts a program that reads the name of a sample and a token, and answers with what went
// wrong, each in a line of JSON.
func converse(t *testing.T, cmd *exec.Cmd, dir string) func(s step, token string) error {
	t.Helper()
	cmd.Dir = dir
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil || cmd.Start() != nil {
		t.Fatal("the program does not start")
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	answers := json.NewDecoder(bufio.NewReader(out))
	return func(s step, token string) error {
		var fault string
		line, err := json.Marshal([]string{s.name(), token})
		if err == nil {
			_, err = io.WriteString(in, string(line)+"\n")
		}
		if err == nil {
			err = answers.Decode(&fault)
		}
		if err == nil && fault != "" {
			err = fmt.Errorf("%s", fault)
		}
		return err
	}
}

// TestTypescript compiles all samples with the SDK, strictly, and runs them in one Node.
func TestTypescript(t *testing.T) {
	t.Parallel()
	gate(t)
	node := need(t, "node")
	modules, err := filepath.Abs(filepath.Join("..", "typescript", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	compiler := filepath.Join(modules, "typescript", "bin", "tsc")
	need(t, compiler)
	f, dir := start(t), t.TempDir()
	link := filepath.Join(dir, "node_modules")
	err = os.CopyFS(filepath.Join(link, "@chaveiro", "sdk"), os.DirFS(sdk(t, "typescript")))
	for _, name := range []string{"@types", "undici-types"} {
		if err == nil {
			err = os.Symlink(filepath.Join(modules, name), filepath.Join(link, name))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join("..", "typescript", "tests", "tsconfig.json"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "tsconfig.json"), strings.Replace(string(config), `"tests", "live"`, `"*.ts"`, 1))
	write(t, filepath.Join(dir, "package.json"), `{"type": "module"}`)
	steps := f.steps(t, "TypeScript")
	for _, s := range steps {
		write(t, filepath.Join(dir, s.name()+".ts"), s.source)
	}
	write(t, filepath.Join(dir, "run.mjs"), `import { createInterface } from "node:readline";

console.log = () => undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const [name, token] = JSON.parse(line);
  process.env.CHAVEIRO_TOKEN = token;
  const fault = await import("./out/" + name + ".js").then(() => "", (error) => String(error?.stack ?? error));
  process.stdout.write(JSON.stringify(fault) + "\n");
}
`)
	for _, project := range []string{filepath.Join(link, "@chaveiro", "sdk"), dir} {
		if err := f.command(t, dir, "", node, compiler, "-p", project); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(node, "run.mjs")
	cmd.Env = f.environ("")
	f.each(t, steps, true, converse(t, cmd, dir))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
