// Package pythontest finds the Python that scripts/setup.sh makes for tests and measurements of the
// Python SDK. It imports cmd/sdkgen/python.
package pythontest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/python"
)

// ErrNotInstalled is the error of Find when the packages of the lock file are missing.
var ErrNotInstalled = errors.New("no Python packages: scripts/setup.sh python installs them")

// Find returns the interpreter that has the packages of the lock file.
func Find() (string, error) {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(home, ".cache")
	}
	sum := sha256.Sum256(python.Lock)
	place := filepath.Join(cache, "chaveiro", "python-"+hex.EncodeToString(sum[:])[:16])
	if _, err := os.Stat(filepath.Join(place, "ready")); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	return filepath.Join(place, "bin", "python"), nil
}

// Interpreter is Find for a test. Without CHAVEIRO_SDKS the test is skipped, as it is without an
// interpreter, unless CI=true: then it fails.
func Interpreter(t testing.TB) string {
	t.Helper()
	if os.Getenv("CHAVEIRO_SDKS") == "" {
		t.Skip("needs Python: make sdks")
	}
	path, err := Find()
	switch {
	case errors.Is(err, ErrNotInstalled) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return path
}
