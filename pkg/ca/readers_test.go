package ca_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// reading is a command that reads a file of this package, and what its output must have.
type reading struct {
	command, want string
}

// readings are the programs that people open the files with. NSS keeps what it reads in a database,
// so its commands build on one another.
var readings = map[string][]reading{
	"openssl": {
		{"openssl x509 -in root.pem -noout -subject", "CN = Reader Root"},
		{"openssl verify -x509_strict -CAfile root.pem -untrusted sub.pem -purpose sslclient client.pem", "client.pem: OK"},
		{"openssl verify -x509_strict -CAfile root.pem -untrusted sub.pem -purpose sslserver server.pem", "server.pem: OK"},
		{"openssl crl -in crl.pem -CAfile sub.pem -noout -text", "verify OK"},
		{"openssl verify -x509_strict -CAfile root.pem -untrusted sub.pem -purpose ocsphelper responder.pem", "pem: OK"},
		{"openssl ocsp -respin good.ocsp -issuer sub.pem -cert server.pem -CAfile root.pem -verify_other sub.pem",
			"Response verify OK"},
		{"openssl ocsp -respin good.ocsp -issuer sub.pem -cert server.pem -CAfile root.pem -verify_other sub.pem",
			"server.pem: good"},
		{"openssl ocsp -respin revoked.ocsp -issuer sub.pem -cert client.pem -CAfile root.pem -verify_other sub.pem",
			"Reason: keyCompromise"},
		{"openssl pkey -in plain.key -noout -text", "Private-Key"},
		{"openssl pkey -in encrypted.key -passin pass:secret -noout -text", "Private-Key"},
		{"openssl pkcs12 -in modern.p12 -passin pass:secret -nodes", "BEGIN PRIVATE KEY"},
		{"openssl pkcs12 -in legacy.p12 -passin pass:secret -nodes", "BEGIN PRIVATE KEY"},
		{"openssl pkcs12 -in modern.p12 -passin pass:secret -info -nodes -nocerts", "friendlyName: filial-01.example"},
		{"openssl pkcs12 -in legacy.p12 -passin pass:secret -info -nodes -nocerts", "friendlyName: filial-01.example"},
		{"openssl pkcs12 -in modern.p12 -passin pass:secret -nokeys -clcerts", "friendlyName: filial-01.example"},
		{"openssl pkcs12 -in legacy.p12 -passin pass:secret -nokeys -clcerts", "localKeyID: "},
		{"openssl pkcs12 -in modern.p12 -passin pass:secret -nokeys -cacerts", "friendlyName: Reader Sub"},
	},
	"GnuTLS": {
		{"certtool --certificate-info --infile root.pem", "CN=Reader Root"},
		{"certtool --certificate-info --infile client.pem", "TLS WWW Client"},
		{"certtool --certificate-info --infile server.pem", "DNSname: vpn.example"},
		{"certtool --verify --load-ca-certificate root.pem --infile chain.pem", "Chain verification output: Verified"},
		{"certtool --verify-crl --load-ca-certificate sub.pem --infile crl.pem", "Verified"},
		{"certtool --crl-info --infile crl.pem", "Revoked certificates (2)"},
		{"certtool --certificate-info --infile responder.pem", "OCSP signing"},
		{"ocsptool --verify-response --load-trust sub.pem --load-response good.ocsp --inder", "Success"},
		{"ocsptool --response-info --load-response revoked.ocsp --inder", "Certificate Status: revoked"},
		{"certtool --key-info --infile plain.key", "Public Key ID"},
		{"certtool --key-info --password secret --infile encrypted.key", "Public Key ID"},
		{"certtool --p12-info --inder --password secret --infile modern.p12", "BEGIN CERTIFICATE"},
		{"certtool --p12-info --inder --password secret --infile legacy.p12", "BEGIN CERTIFICATE"},
		{"certtool --p12-info --inder --password secret --infile modern.p12", "Friendly name: filial-01.example"},
		{"certtool --p12-info --inder --password secret --infile legacy.p12", "Friendly name: Reader Sub"},
	},
	"NSS": {
		{"certutil -N -d sql:. --empty-password", ""},
		{"certutil -A -d sql:. -n root -t CT,, -i root.pem", ""},
		{"certutil -A -d sql:. -n sub -t ,, -i sub.pem", ""},
		{"certutil -A -d sql:. -n server -t ,, -i server.pem", ""},
		{"certutil -V -d sql:. -n sub -u L", "certificate is valid"},
		{"certutil -V -d sql:. -n server -u V", "certificate is valid"},
		{"certutil -A -d sql:. -n responder -t ,, -i responder.pem", ""},
		{"certutil -V -d sql:. -n responder -u O", "certificate is valid"},
		{"pk12util -l modern.p12 -d sql:. -W secret", "Certificate(has private key)"},
		{"pk12util -l modern.p12 -d sql:. -W secret", "Friendly Name: filial-01.example"},
		{"pk12util -i modern.p12 -d sql:. -W secret", "IMPORT SUCCESSFUL"},
		{"certutil -V -d sql:. -n filial-01.example -u C", "certificate is valid"},
		{"certutil -K -d sql:.", "filial-01.example"},
		{"crlutil -I -d sql:. -i crl.der", ""},
		{"certutil -V -d sql:. -n filial-01.example -u C", "has been revoked"},
		{"pk12util -l legacy.p12 -d sql:. -W secret", "Friendly Name: filial-01.example"},
	},
	"Java": {
		{"keytool -printcert -file root.pem", "Owner: CN=Reader Root"},
		{"keytool -printcert -file client.pem", "clientAuth"},
		{"keytool -printcert -file server.pem", "DNSName: vpn.example"},
		{"keytool -printcrl -file crl.pem", "Revoked Certificates: 2"},
		{"java Ocsp.java server.pem good.ocsp", "path is valid"},
		{"java Ocsp.java client.pem revoked.ocsp", "REVOKED Certificate has been revoked, reason: KEY_COMPROMISE"},
		{"keytool -list -v -storetype PKCS12 -keystore modern.p12 -storepass secret", "Certificate chain length: 3"},
		{"keytool -list -v -storetype PKCS12 -keystore legacy.p12 -storepass secret", "Certificate chain length: 3"},
		{"keytool -list -v -storetype PKCS12 -keystore modern.p12 -storepass secret", "Alias name: filial-01.example"},
		{"keytool -list -v -storetype PKCS12 -keystore legacy.p12 -storepass secret", "Alias name: filial-01.example"},
	},
	"Python": {{"python3 read.py", "all read"}},
}

// TestReaders: what leaves this package is read by the programs and libraries that people have.
func TestReaders(t *testing.T) {
	if os.Getenv("CHAVEIRO_SDKS") == "" {
		t.Skip("needs GnuTLS, NSS, Java and Python: make sdks")
	}
	t.Parallel()
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.RSA2048} {
		material := readersMaterial(t, algorithm)
		for reader, list := range readings {
			t.Run(string(algorithm)+" "+reader, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				for name, data := range material {
					writeFile(t, dir, name, data)
				}
				for _, r := range list {
					runReading(t, dir, r)
				}
			})
		}
	}
}

func runReading(t *testing.T, dir string, r reading) {
	t.Helper()
	words := strings.Fields(r.command)
	path := findReader(t, words[0])
	command := exec.CommandContext(t.Context(), path, words[1:]...)
	command.Dir, command.Stdin = dir, strings.NewReader("")
	command.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	output, err := command.CombinedOutput()
	refused := strings.HasPrefix(r.want, "has been revoked") // then the program ends with a failure
	if (err != nil) != refused || !bytes.Contains(output, []byte(r.want)) {
		t.Errorf("%s: %v, want %q in\n%s", r.command, err, r.want, output)
	}
}

// findReader finds a program; Python must have its package. CI must have all of them.
func findReader(t *testing.T, name string) string {
	t.Helper()
	paths := []string{name}
	if name == "python3" {
		paths = []string{"/usr/bin/python3", "python3"} // Debian's package is for Debian's Python
	}
	for _, one := range paths {
		path, err := exec.LookPath(one)
		if err == nil && (name != "python3" || hasCryptography(t, path)) {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(name + " is not installed: scripts/setup.sh readers")
	}
	t.Skip(name + " is not installed: scripts/setup.sh readers")
	return ""
}

func hasCryptography(t *testing.T, python string) bool {
	t.Helper()
	return exec.CommandContext(t.Context(), python, "-c", "import cryptography").Run() == nil
}

// readersMaterial is one of each kind of file. NSS and others look at their own clock, so the
// certificates are valid now.
func readersMaterial(t *testing.T, algorithm ca.KeyAlgorithm) map[string][]byte {
	t.Helper()
	now := time.Now()
	root := rootFrom(t, algorithm, now)
	sub := readersSub(t, root, now)
	clientKey, serverKey := newKey(t, algorithm), newKey(t, algorithm)
	client := certificateNow(t, sub, clientKey.Public(), now, false)
	server := certificateNow(t, sub, serverKey.Public(), now, true)
	thisUpdate, nextUpdate := ca.CRLWindow(now, 24*time.Hour)
	list, err := sub.SignCRL(ca.CRLRequest{
		Number: big.NewInt(7), ThisUpdate: thisUpdate, NextUpdate: nextUpdate, Revocations: []ca.Revocation{
			{Serial: client.SerialNumber, RevokedAt: now.Add(-2 * time.Hour), Reason: ca.KeyCompromise,
				InvalidityDate: now.Add(-year)},
			{Serial: big.NewInt(5), RevokedAt: now.Add(-2 * time.Hour)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	pem := ca.EncodeCertificatePEM
	material := map[string][]byte{
		"root.pem": pem(root.Certificate.Raw), "sub.pem": pem(sub.Certificate.Raw), "client.pem": pem(client.Raw),
		"server.pem": pem(server.Raw), "crl.pem": ca.EncodeCRLPEM(list), "crl.der": list, "read.py": []byte(readPython),
	}
	material["chain.pem"] = bytes.Join([][]byte{material["client.pem"], material["sub.pem"], material["root.pem"]}, nil)
	addOCSP(t, material, sub, client, server, now)
	addKeys(t, material, clientKey, client, []*x509.Certificate{sub.Certificate, root.Certificate})
	return material
}

func readersSub(t *testing.T, root *ca.Authority, now time.Time) *ca.Authority {
	t.Helper()
	prepared, err := root.PrepareCA(ca.CARequest{
		Subject: ca.Subject{CommonName: "Reader Sub"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(year),
	})
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t, ca.ECDSAP384)
	cert, err := prepared.Issue(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sub, err := ca.NewAuthority(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func addKeys(
	t *testing.T, material map[string][]byte, key crypto.Signer, cert *x509.Certificate, chain []*x509.Certificate,
) {
	t.Helper()
	var err error
	if material["plain.key"], err = ca.MarshalPrivateKey(key); err != nil {
		t.Fatal(err)
	}
	if material["encrypted.key"], err = ca.EncryptPrivateKey(key, "secret"); err != nil {
		t.Fatal(err)
	}
	for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
		name := fmt.Sprintf("%s.p12", profile)
		if material[name], err = ca.EncodePKCS12(profile, key, cert, chain, "secret"); err != nil {
			t.Fatal(err)
		}
	}
}

// readPython reads every file with the package cryptography, and compares what belongs together.
const readPython = `
import cryptography.x509.ocsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

def data(name):
    with open(name, "rb") as file:
        return file.read()

def certificate(name):
    return x509.load_pem_x509_certificate(data(name + ".pem"))

root, sub, client, server = map(certificate, ("root", "sub", "client", "server"))
assert root.subject == root.issuer == sub.issuer and sub.subject == client.issuer == server.issuer
usage = client.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
assert "vpn.example" in names.get_values_for_type(x509.DNSName)
crl = x509.load_pem_x509_crl(data("crl.pem"))
assert crl.is_signature_valid(sub.public_key()) and len(crl) == 2
entry = crl.get_revoked_certificate_by_serial_number(client.serial_number)
assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
assert entry.extensions.get_extension_for_class(x509.InvalidityDate)
for name, cert, status in (("good", server, x509.ocsp.OCSPCertStatus.GOOD),
                           ("revoked", client, x509.ocsp.OCSPCertStatus.REVOKED)):
    answer = x509.ocsp.load_der_ocsp_response(data(name + ".ocsp"))
    assert answer.certificate_status == status and answer.serial_number == cert.serial_number
    responder = answer.certificates[0]
    assert responder.extensions.get_extension_for_class(x509.OCSPNoCheck) and responder == certificate("responder")
    curve = ec.ECDSA(answer.signature_hash_algorithm)
    responder.public_key().verify(answer.signature, answer.tbs_response_bytes, curve)
public = client.public_key().public_numbers()
assert load_pem_private_key(data("plain.key"), None).public_key().public_numbers() == public
assert load_pem_private_key(data("encrypted.key"), b"secret").public_key().public_numbers() == public
for name in ("modern.p12", "legacy.p12"):
    file = pkcs12.load_pkcs12(data(name), b"secret")
    assert file.key.public_key().public_numbers() == public and file.cert.certificate == client
    assert {c.certificate for c in file.additional_certs} == {sub, root}
    assert file.cert.friendly_name == b"filial-01.example"
    assert {c.friendly_name for c in file.additional_certs} == {b"Reader Sub", b"Reader Root"}
print("all read")
`
