package kmstest

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// NewMoto starts moto, which stands for AWS, and returns its address. The file lists its packages.
// Without them it skips the test; in CI that is a failure.
func NewMoto(t testing.TB, requirements string) string {
	t.Helper()
	lock, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	cache, _ := os.UserCacheDir()
	program := filepath.Join(cache, "chaveiro", "python-"+hex.EncodeToString(sum[:])[:16], "bin", "moto_server")
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("moto is missing: scripts/setup.sh moto")
		}
		t.Skip("moto is missing: scripts/setup.sh moto")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	_ = listener.Close()
	command := exec.Command(program, "-H", "127.0.0.1", "-p", address.AddrPort().String()[len("127.0.0.1:"):])
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	url := "http://" + address.String()
	for since := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if response, err := http.Get(url + "/moto-api/"); err == nil {
			_ = response.Body.Close()
			return url
		}
		if time.Since(since) > time.Minute {
			t.Fatal("moto does not start")
		}
	}
}
