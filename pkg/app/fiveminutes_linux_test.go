package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestFiveMinutes: the commands of docs/site-in-five-minutes.md work as they stand there, on an
// empty database, and are six.
func TestFiveMinutes(t *testing.T) {
	t.Parallel()
	block := markedBlock(t, "../../docs/site-in-five-minutes.md", "<!-- The test TestFiveMinutes runs this block. -->")
	if n := strings.Count(block, "\nask $API/"); n != 6 {
		t.Errorf("%d commands", n)
	}
	p := apptest.Start(t, onSQLite(t))
	dir := t.TempDir()
	shell := exec.CommandContext(t.Context(), "sh", "-eu")
	shell.Dir, shell.Stdin = dir, strings.NewReader(block)
	shell.Env = append(os.Environ(), "URL="+p.URL, "TOKEN="+login(t, p).Token)
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := apptest.Untar(must(os.ReadFile(filepath.Join(dir, "vpn-matriz.tar.gz"))), dir); err != nil {
		t.Fatal(err)
	}
	for file, part := range map[string]string{
		"server.conf": "\nroute 192.168.10.0 255.255.255.0\n", "ccd/site-rio": "iroute 192.168.10.0 255.255.255.0",
		"server.key": " PRIVATE KEY-----", "crl.pem": "X509 CRL", "systemd/chaveiro.conf": "server.conf",
		"site-rio.ovpn": "\nremote vpn.example.com 1194 udp\n",
	} {
		if got := read(t, dir, file); !strings.Contains(got, part) {
			t.Errorf("%s: no %q in\n%s", file, part, got)
		}
	}
}

// markedBlock is the block of code below a line of a document.
func markedBlock(t *testing.T, path, mark string) string {
	t.Helper()
	_, rest, found := strings.Cut(string(must(os.ReadFile(path))), mark+"\n```sh\n")
	block, _, closed := strings.Cut(rest, "\n```\n")
	if !found || !closed {
		t.Fatalf("no block %s in %s", mark, path)
	}
	return "\n" + block
}
