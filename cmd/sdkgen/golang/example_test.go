package golang_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program is what the example of the README is a part of.
const program = `package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/chaveiro/chaveiro/gen/sdk/go"
)

func main() {
	ctx := context.Background()
`

// runExample compiles the example of the README and runs it against a server.
func runExample(t *testing.T, url, token string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "..", "gen", "sdk", "go", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(readme), "```go\n")
	example, _, ended := strings.Cut(example, "```")
	if !found || !ended {
		t.Fatal("there is no example")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program+example+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", file)
	cmd.Env = append(os.Environ(), "CHAVEIRO_URL="+url, "CHAVEIRO_TOKEN="+token)
	output, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "site-of-the-example") {
		t.Errorf("%v\n%s\n%s", err, output, example)
	}
}
