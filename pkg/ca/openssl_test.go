package ca_test

import (
	"bytes"
	"crypto/x509"
	"strconv"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// writeAuthority writes ca.pem and ca.key.
func writeAuthority(t testing.TB, dir string, authority *ca.Authority) {
	t.Helper()
	key, err := ca.MarshalPrivateKey(authority.Signer)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "ca.key", key)
	writeFile(t, dir, "ca.pem", ca.EncodeCertificatePEM(authority.Certificate.Raw))
}

func TestOpenSSL_VerifiesChainAndCRL(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.ECDSAP384, ca.Ed25519, ca.RSA2048} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			authority := newRoot(t, algorithm)
			good, bad := issue(t, authority, ca.ECDSAP256), issue(t, authority, ca.Ed25519)
			crl := signCRL(t, authority, []ca.Revocation{{Serial: bad.SerialNumber, RevokedAt: epoch, Reason: 1}})
			writeAuthority(t, dir, authority)
			writeFile(t, dir, "good.pem", ca.EncodeCertificatePEM(good.Raw))
			writeFile(t, dir, "bad.pem", ca.EncodeCertificatePEM(bad.Raw))
			writeFile(t, dir, "crl.pem", ca.EncodeCRLPEM(crl.Raw))
			verify := []string{"verify", "-x509_strict", "-attime", strconv.FormatInt(epoch.Unix(), 10),
				"-CAfile", "ca.pem", "-CRLfile", "crl.pem", "-crl_check"}
			openssl(t, dir, append(verify, "-purpose", "sslclient", "good.pem")...)
			if output, err := tryOpenssl(t, dir, append(verify, "bad.pem")...); err == nil ||
				!bytes.Contains(output, []byte("revoked")) {
				t.Errorf("the revoked one: %v\n%s", err, output)
			}
			if output, err := tryOpenssl(t, dir, append(verify, "-purpose", "sslserver", "good.pem")...); err == nil {
				t.Errorf("the client passes for a server\n%s", output)
			}
		})
	}
}

func TestOpenSSL_ReadsOurKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for _, algorithm := range []ca.KeyAlgorithm{ca.Ed25519, ca.RSA2048} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			key := newKey(t, algorithm)
			plain, err := ca.MarshalPrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			encrypted, err := ca.EncryptPrivateKey(key, "sêcret")
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, dir, "encrypted.pem", encrypted)
			if got := openssl(t, dir, "pkcs8", "-in", "encrypted.pem", "-passin", "pass:sêcret"); !bytes.Equal(
				got, plain,
			) {
				t.Error("openssl decrypts another key")
			}
			back, err := ca.ParsePrivateKey(encrypted, "sêcret")
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ca.MarshalPrivateKey(back); err != nil || !bytes.Equal(again, plain) {
				t.Errorf("it reads back as another key: %v", err)
			}
			text := openssl(t, dir, "asn1parse", "-in", "encrypted.pem")
			for _, want := range []string{"aes-256-cbc", "hmacWithSHA256", ":0927C0"} { // 600 000 in hexadecimal
				if !bytes.Contains(text, []byte(want)) {
					t.Errorf("no %s in\n%s", want, text)
				}
			}
		})
	}
}

func TestOpenSSL_ReadsOurPKCS12(t *testing.T) {
	t.Parallel()
	for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
		for _, algorithm := range []ca.KeyAlgorithm{ca.Ed25519, ca.RSA2048} {
			t.Run(string(profile)+" "+string(algorithm), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				authority, key := newRoot(t, ca.ECDSAP256), newKey(t, algorithm)
				cert, err := authority.IssueClient(clientRequest(key.Public()))
				if err != nil {
					t.Fatal(err)
				}
				file, err := ca.EncodePKCS12(profile, key, cert, []*x509.Certificate{authority.Certificate}, "sêcret")
				if err != nil {
					t.Fatal(err)
				}
				writeFile(t, dir, "client.p12", file)
				// No -legacy: 3DES is in OpenSSL's default provider.
				text := openssl(t, dir, "pkcs12", "-in", "client.p12", "-passin", "pass:sêcret", "-nodes", "-info")
				for _, c := range []*x509.Certificate{cert, authority.Certificate} {
					if !bytes.Contains(text, ca.EncodeCertificatePEM(c.Raw)) {
						t.Errorf("a certificate is missing in\n%s", text)
					}
				}
				if plain, _ := ca.MarshalPrivateKey(key); !bytes.Contains(text, plain) {
					t.Error("the key is missing")
				}
				if bytes.Contains(text, []byte("BitRC2")) {
					t.Error("RC2 is used")
				}
			})
		}
	}
}

func TestOpenSSL_ItsKeysAreRead(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	type variant struct {
		name string
		args string // of openssl, after the input
		want error
	}
	variants := []variant{
		{"aes-128 sha1", "pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1", nil},
		{"aes-192 sha224", "pkcs8 -topk8 -v2 aes-192-cbc -v2prf hmacWithSHA224", nil},
		{"aes-256 default", "pkcs8 -topk8", nil},
		{"aes-256 sha256 iterated", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 30000", nil},
		{"aes-256 sha384", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA384", nil},
		{"aes-256 sha512", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA512", nil},
		{"aes-256 sha512/224", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA512-224", nil},
		{"aes-256 sha512/256", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA512-256", nil},
		{"3des", "pkcs8 -topk8 -v2 des3", nil},
		{"scrypt", "pkcs8 -topk8 -scrypt", nil},
		{"scrypt with its own N, r, p", "pkcs8 -topk8 -scrypt -scrypt_N 1024 -scrypt_r 4 -scrypt_p 3", nil},
		{"PBES1 sha1 3des", "pkcs8 -topk8 -v1 PBE-SHA1-3DES", nil},
		{"camellia 128", "pkcs8 -topk8 -v2 camellia-128-cbc", nil},
		{"camellia 192", "pkcs8 -topk8 -v2 camellia-192-cbc", nil},
		{"camellia 256", "pkcs8 -topk8 -v2 camellia-256-cbc", nil},
		{"traditional aes256", "TRADITIONAL -aes256", nil},
		{"traditional des3", "TRADITIONAL -des3", nil},
		{"traditional camellia", "TRADITIONAL -camellia256", nil},
		{"traditional camellia, 128", "TRADITIONAL -camellia128", nil},
		{"traditional camellia, 192", "TRADITIONAL -camellia192", nil},
		{"aria 128", "pkcs8 -topk8 -v2 aria-128-cbc", nil},
		{"aria 192", "pkcs8 -topk8 -v2 aria-192-cbc", nil},
		{"aria 256", "pkcs8 -topk8 -v2 aria-256-cbc", nil},
		{"traditional aria, 128", "TRADITIONAL -aria128", nil},
		{"traditional aria, 192", "TRADITIONAL -aria192", nil},
		{"traditional aria, 256", "TRADITIONAL -aria256", nil},
		{"sm4", "pkcs8 -topk8 -v2 sm4-cbc", ca.ErrUnsupportedEncryption},
	}
	for algorithm, traditional := range map[ca.KeyAlgorithm]string{
		ca.ECDSAP256: "ec", ca.ECDSAP384: "ec", ca.RSA2048: "rsa -traditional",
	} {
		key := newKey(t, algorithm)
		for _, v := range variants {
			if algorithm != ca.ECDSAP256 && v.want != nil {
				continue
			}
			t.Run(string(algorithm)+" "+v.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				plain, err := ca.MarshalPrivateKey(key)
				if err != nil {
					t.Fatal(err)
				}
				writeFile(t, dir, "plain.pem", plain)
				args := strings.Fields(strings.Replace(v.args, "TRADITIONAL", traditional, 1))
				openssl(t, dir, append(args, "-in", "plain.pem", "-out", "key.pem", "-passout", "pass:secret")...)
				checkEncrypted(t, readFile(t, dir, "key.pem"), plain, v.want)
			})
		}
	}
}

func checkEncrypted(t *testing.T, data, plain []byte, want error) {
	t.Helper()
	key, err := ca.ParsePrivateKey(data, "secret")
	if want != nil {
		wantError(t, err, want)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ca.MarshalPrivateKey(key); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("another key was read: %v", err)
	}
	_, err = ca.ParsePrivateKey(data, "")
	wantError(t, err, ca.ErrPasswordRequired)
	_, err = ca.ParsePrivateKey(data, "Secret")
	wantError(t, err, ca.ErrWrongPassword)
}

func TestOpenSSL_ItsPlainKeysAreJudged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		want error
	}{
		{"genrsa -out key.pem 2048", nil},
		{"genrsa -traditional -out key.pem 2048", nil},
		{"genrsa -primes 3 -out key.pem 2048", nil},
		{"genrsa -out key.pem 1024", ca.ErrWeakKey},
		{"genrsa -traditional -out key.pem 512", ca.ErrWeakKey},
		{"ecparam -genkey -name prime256v1 -out key.pem", nil}, // EC PARAMETERS in front
		{"ecparam -genkey -name secp384r1 -noout -out key.pem", nil},
		{"ecparam -genkey -name secp521r1 -out key.pem", nil},
		{"ecparam -genkey -name secp224r1 -out key.pem", ca.ErrWeakKey},
		{"ecparam -genkey -name secp256k1 -out key.pem", ca.ErrUnsupportedKey},
		{"ecparam -genkey -name prime256v1 -param_enc explicit -noout -out key.pem", nil},
		{"ecparam -genkey -name secp384r1 -param_enc explicit -conv_form compressed -out key.pem", nil},
		{"ecparam -genkey -name secp256k1 -param_enc explicit -noout -out key.pem", ca.ErrUnsupportedKey},
		{
			"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -pkeyopt ec_param_enc:explicit -out key.pem", nil,
		},
		{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem", nil},
		{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1 -out key.pem", ca.ErrUnsupportedKey},
		{"genpkey -algorithm ED25519 -out key.pem", nil},
		{"genpkey -algorithm ED448 -out key.pem", ca.ErrUnsupportedKey},
		{"genpkey -algorithm X25519 -out key.pem", ca.ErrUnsupportedKey},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			openssl(t, dir, strings.Fields(test.args)...)
			data := readFile(t, dir, "key.pem")
			_, err := ca.ParsePrivateKey(data, "ignored")
			wantError(t, err, test.want)
			crlf := bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
			_, err = ca.ParsePrivateKey(append([]byte("Bag Attributes\r\n"), crlf...), "")
			wantError(t, err, test.want)
		})
	}
}
