package ca_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// epoch is the current time of every test.
var epoch = time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)

const year = 365 * 24 * time.Hour

var generator = ca.NewKeyGenerator(workers(ca.RSAWorkers()))

// workers lets at most n callers have a worker at once.
func workers(n int) ca.WorkerTurn {
	slots := make(chan struct{}, n)
	return func(ctx context.Context) (func(), error) {
		select {
		case slots <- struct{}{}:
			return func() { <-slots }, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// rsaKeys are made once per test binary: they are slow to make and no test alters them.
var rsaKeys = map[ca.KeyAlgorithm]func() (crypto.Signer, error){
	ca.RSA2048: onceRSA(ca.RSA2048),
	ca.RSA3072: onceRSA(ca.RSA3072),
	ca.RSA4096: onceRSA(ca.RSA4096),
}

func onceRSA(a ca.KeyAlgorithm) func() (crypto.Signer, error) {
	return sync.OnceValues(func() (crypto.Signer, error) { return generator.Generate(context.Background(), a) })
}

func newKey(t testing.TB, a ca.KeyAlgorithm) crypto.Signer {
	t.Helper()
	makeKey := rsaKeys[a]
	if makeKey == nil {
		makeKey = func() (crypto.Signer, error) { return generator.Generate(t.Context(), a) }
	}
	key, err := makeKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRoot(t testing.TB, a ca.KeyAlgorithm) *ca.Authority {
	t.Helper()
	authority, err := ca.NewRoot(newKey(t, a), rootRequest())
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func rootRequest() ca.RootRequest {
	return ca.RootRequest{
		Subject:   ca.Subject{CommonName: "Chaveiro Test CA", Organization: "Empresa XYZ", Country: "BR"},
		NotBefore: epoch.Add(-time.Hour),
		NotAfter:  epoch.Add(10 * year),
	}
}

func clientRequest(pub crypto.PublicKey) ca.ClientRequest {
	return ca.ClientRequest{
		Subject: ca.Subject{
			CommonName:         "filial-01.example",
			Organization:       "Empresa XYZ",
			OrganizationalUnit: "Suporte São Paulo",
			Email:              "ti@example.com",
		},
		PublicKey: pub,
		NotBefore: epoch.Add(-time.Minute),
		NotAfter:  epoch.Add(year),
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

// openssl runs the real program in dir, which has the files of the test. CI
// must have it.
func openssl(t testing.TB, dir string, args ...string) []byte {
	t.Helper()
	output, err := tryOpenssl(t, dir, args...)
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, output)
	}
	return output
}

func tryOpenssl(t testing.TB, dir string, args ...string) ([]byte, error) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Dir = dir
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err = command.Run()
	return output.Bytes(), err
}

func writeFile(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
