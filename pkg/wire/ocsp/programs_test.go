package ocsp_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// programs ask a responder, as people do; URL stands for its address. What they say of a client
// that is good and of one that is revoked.
var programs = []struct{ command, good, revoked string }{
	{"openssl ocsp -issuer ca.pem -cert client.pem -url URL -CAfile ca.pem", "client.pem: good", "client.pem: revoked"},
	{"openssl ocsp -issuer ca.pem -cert client.pem -url URL -CAfile ca.pem", "Response verify OK", "Reason: keyCompromise"},
	{"openssl ocsp -sha256 -issuer ca.pem -cert other.pem -cert client.pem -serial 0x77 -url URL -CAfile ca.pem -no_nonce",
		"0x77: unknown", "client.pem: revoked"},
	{"openssl ocsp -issuer ca.pem -cert client.pem -url URL -CAfile ca.pem -signer other.pem -signkey other.key",
		"client.pem: good", "client.pem: revoked"},
	{"ocsptool --ask=URL --load-cert client.pem --load-issuer ca.pem --load-trust ca.pem --nonce",
		"Certificate Status: good", "Certificate Status: revoked"},
	{"java Ocsp.java URL", "path is valid", "REVOKED Certificate has been revoked, reason: KEY_COMPROMISE"},
}

// TestPrograms: OpenSSL, GnuTLS and Java get the status from a running server, with nonces.
func TestPrograms(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	other := Must(s.Services.Clients.Create(s.Operator, domain.ClientSpec{
		CAID: s.ca, Name: "other", Subject: domain.Subject{Email: "other@example.com"},
	}))(t)
	_, rest := pem.Decode(s.chain)
	for name, content := range map[string][]byte{
		"ca.pem": rest, "client.pem": s.chain[:len(s.chain)-len(rest)], "Ocsp.java": []byte(ocspJava),
		"other.pem": Must(s.Services.Clients.Certificate(s.Operator, other.ID))(t),
		"other.key": Must(s.Services.Clients.Key(s.Operator, other.ID))(t),
	} {
		Check(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	for _, p := range programs {
		s.run(t, dir, p.command, p.good)
	}
	s.revoke(t)
	for _, p := range programs {
		s.run(t, dir, p.command, p.revoked)
	}
}

// run runs a program, unless it is not there. CI must have all of them.
func (s site) run(t *testing.T, dir, line, want string) {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(line, "URL", s.URL+"/ocsp/1"))
	if _, err := exec.LookPath(words[0]); err != nil && os.Getenv("CI") != "true" {
		t.Logf("%s is not installed", words[0])
		return
	}
	command := exec.CommandContext(t.Context(), words[0], words[1:]...)
	command.Dir = dir
	command.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	output, err := command.CombinedOutput()
	if !strings.Contains(string(output), want) || strings.Contains(string(output), "WARNING: no nonce") {
		t.Errorf("%s: %v, want %q in\n%s", line, err, want, output)
	}
}

// ocspJava checks the path of the client, and asks the responder that is named.
const ocspJava = `
import java.io.FileInputStream;
import java.net.URI;
import java.security.cert.*;
import java.util.*;

class Ocsp {
    static X509Certificate read(String name) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(name));
    }

    public static void main(String[] args) throws Exception {
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
        checker.setOcspResponder(new URI(args[0]));
        byte[] nonce = {4, 8, 1, 2, 3, 4, 5, 6, 7, 8};
        checker.setOcspExtensions(List.of(new Extension() {
            public String getId() { return "1.3.6.1.5.5.7.48.1.2"; }
            public boolean isCritical() { return false; }
            public byte[] getValue() { return nonce; }
            public void encode(java.io.OutputStream out) throws java.io.IOException {
                out.write(new byte[] {0x30, 0x17, 6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2, 4, 10});
                out.write(nonce);
            }
        }));
        PKIXParameters params = new PKIXParameters(Set.of(new TrustAnchor(read("ca.pem"), null)));
        params.addCertPathChecker(checker);
        CertPath path = CertificateFactory.getInstance("X.509").generateCertPath(List.of(read("client.pem")));
        try {
            validator.validate(path, params);
            System.out.println("path is valid");
        } catch (CertPathValidatorException e) {
            System.out.println(e.getReason() + " " + e.getMessage());
        }
    }
}
`
