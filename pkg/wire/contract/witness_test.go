package contract_test

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// witness is what the clients that public generators make of the documents are tried with.
type witness struct {
	server    *apptest.Client
	variables []string // of the environment of programs
	folder    string   // has api.json and pam.json, as the server serves them
}

// password protects the PKCS#12 file.
const password = "uma-senha-longa"

// devices is a file for the import: two rows are good, the third lacks its ip.
const devices = `hostname,ip,model,type,vendor,site
câmera-1,192.0.2.1,P3265,Camera,Axis,Rio
servidor-1,192.0.2.2,RedHat,Server,Linux,Rio
sem-ip,,RedHat,Server,Linux,Rio
`

// newWitness starts a server for a witness, and asks it for its documents, each of this name.
func newWitness(t *testing.T, document string) *witness {
	t.Helper()
	w := &witness{server: start(t), folder: t.TempDir()}
	for name, prefix := range map[string]string{"api": "/api/", "pam": "/iso/"} {
		var text []byte
		if err := w.server.Do(t.Context(), "GET", prefix+document, nil, &text); err != nil {
			t.Fatal(err)
		}
		w.write(t, name+".json", text)
	}
	w.write(t, "devices.csv", []byte(devices))
	vault := authorize(t, w.server, "oauth2")
	w.variables = []string{
		"CHAVEIRO_URL=" + w.server.URL, "CHAVEIRO_TOKEN=" + w.server.Token, "FOLDER=" + w.folder, "PASSWORD=" + password,
		"DEVICES=" + filepath.Join(w.folder, "devices.csv"), "CLIENT_ID=" + vault.ClientID,
		"CLIENT_SECRET=" + vault.ClientSecret,
	}
	return w
}

func (w *witness) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copy copies a file of the repository into the folder.
func (w *witness) copy(t *testing.T, from, name string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, name, content)
}

// must runs a command in a folder to its end.
func (w *witness) must(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := w.command(t, dir, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (w *witness) command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, slices.Concat(os.Environ(), w.variables)
	return cmd
}

// walk runs the program of a witness. Without a credential it fails, with one it ends well, and has
// left what it should in its folder and in the server.
func (w *witness) walk(t *testing.T, args ...string) {
	t.Helper()
	without := w.command(t, w.folder, args...)
	without.Env = append(without.Env, "CHAVEIRO_TOKEN=wrong")
	if out, err := without.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("401")) {
		t.Fatalf("without a credential: %v\n%s", err, out)
	}
	w.must(t, w.folder, args...)
	w.checkFiles(t)
	w.checkSite(t)
	w.checkDevices(t)
}

// checkFiles checks the files that the program has got of the server.
func (w *witness) checkFiles(t *testing.T) {
	t.Helper()
	bundle, err1 := os.ReadFile(filepath.Join(w.folder, "client.p12"))
	list, err2 := os.ReadFile(filepath.Join(w.folder, "crl.pem"))
	if err := cmp.Or(err1, err2); err != nil {
		t.Fatal(err)
	}
	_, cert, chain, err := pkcs12.DecodeChain(bundle, password)
	if err != nil || cert.Subject.CommonName != "site-rio" || len(chain) != 1 {
		t.Fatalf("the PKCS#12 file: %v", err)
	}
	block, _ := pem.Decode(list)
	if block == nil {
		t.Fatalf("the CRL is %q", list)
	}
	crl, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := crl.CheckSignatureFrom(chain[0]); err != nil {
		t.Error(err)
	}
}

// checkSite checks that the client is a site, with the profile that the program has got.
func (w *witness) checkSite(t *testing.T) {
	t.Helper()
	profile, err := os.ReadFile(filepath.Join(w.folder, "site-rio.ovpn"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"remote vpn.example.com 1194", "<key>", "<tls-crypt-v2>"} {
		if !bytes.Contains(profile, []byte("\n"+line)) {
			t.Errorf("no %s in the profile", line)
		}
	}
	var config struct {
		Iroutes        []string
		ProfileVersion int `json:"profile_version"`
	}
	if err := w.server.Do(t.Context(), "GET", "/api/openvpn/clients/site2site/1/configs/1", nil, &config); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(config.Iroutes, []string{"10.1.0.0/24"}) || config.ProfileVersion != 1 {
		t.Errorf("the config is %+v", config)
	}
}

// checkDevices checks that the vault has the devices that the program has made.
func (w *witness) checkDevices(t *testing.T) {
	t.Helper()
	var page struct{ Devices []struct{ Hostname string } }
	if err := w.server.Do(t.Context(), "GET", "/api/pam/devices", nil, &page); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range page.Devices {
		names = append(names, one.Hostname)
	}
	if got := strings.Join(slices.Sorted(slices.Values(names)), " "); got != "câmera-1 roteador servidor-1" {
		t.Errorf("the vault has %s", got)
	}
}
