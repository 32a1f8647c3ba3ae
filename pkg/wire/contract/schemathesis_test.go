package contract_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestSchemathesis: no made-up request, valid or not, has an answer that the documents do not
// describe, or is taken when it should be refused. CHAVEIRO_NIGHTLY=1 makes ten times as many, and
// tries the limits of every schema.
func TestSchemathesis(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	program := filepath.Join(python(t, "openapi/fuzz", "schemathesis"), "schemathesis")
	t.Run("api", func(t *testing.T) {
		t.Parallel()
		server := start(t)
		tryAll(t, program, "../../gen/api/openapi.gen.yaml", server.URL+"/api", server.Token)
	})
	t.Run("pam", func(t *testing.T) {
		t.Parallel()
		server := start(t)
		addDevices(t, server, 3)
		token := vaultToken(t, server, authorize(t, server, "oauth2"))
		// Without a credential the vault's dialect answers 404, as its document says.
		tryAll(t, program, "../../gen/pam/openapi.gen.yaml", server.URL+"/iso", token, "--exclude-checks", "ignored_auth")
	})
}

// tryAll runs schemathesis with a fixed seed, in a folder of its own for what it writes.
func tryAll(t *testing.T, program, document, url, token string, more ...string) {
	t.Helper()
	examples, phases, limit := "5", "fuzzing", 4*time.Minute
	if os.Getenv("CHAVEIRO_NIGHTLY") != "" {
		examples, phases, limit = "50", "coverage,fuzzing", 50*time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	folder, err := filepath.Abs(root + "openapi/fuzz")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--config-file", filepath.Join(folder, "schemathesis.toml"), "run", filepath.Join(folder, document), "--url", url,
		"--header", "Authorization: Bearer " + token, "--max-examples", examples, "--phases", phases, "--seed", "1",
		"--no-color",
	}
	cmd := exec.CommandContext(ctx, program, append(args, more...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(
		os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "SCHEMATHESIS_HOOKS="+filepath.Join(folder, "hooks.py"),
	)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
