package ca_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func TestParsePrivateKey_Refuses(t *testing.T) {
	t.Parallel()
	key, err := ca.MarshalPrivateKey(newKey(t, ca.ECDSAP256))
	if err != nil {
		t.Fatal(err)
	}
	good := string(key)
	block, _ := pem.Decode(key)
	armour := func(pemType string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))
	}
	cert := string(ca.EncodeCertificatePEM(issue(t, newRoot(t, ca.ECDSAP256), ca.ECDSAP256).Raw))
	tests := []struct {
		name string
		data string
		want error
	}{
		{"nothing", "", ca.ErrNotPEM},
		{"DER", string(block.Bytes), ca.ErrNotPEM},
		{"two keys", good + good, ca.ErrMultiple},
		{"three blocks", good + good + good, ca.ErrMultiple},
		{"a certificate in front", cert + good, ca.ErrMultiple},
		{"a certificate", cert, ca.ErrOtherPEM},
		{"parameters only", armour("EC PARAMETERS", []byte{5, 0}), ca.ErrOtherPEM},
		{"text after it", good + "hello", nil},
		{"too much text", strings.Repeat("x\n", 40_000) + good, ca.ErrTooLarge},
		{"too long a key", armour("PRIVATE KEY", make([]byte, 9<<10)), ca.ErrMalformed},
		{"trailing data", armour("PRIVATE KEY", append(bytes.Clone(block.Bytes), 0)), ca.ErrContent},
		{"PKCS #8 called PKCS #1", armour("RSA PRIVATE KEY", block.Bytes), nil},
		{"PKCS #8 called SEC 1", armour("EC PRIVATE KEY", block.Bytes), nil},
		{"PKCS #8 called encrypted", armour("ENCRYPTED PRIVATE KEY", block.Bytes), nil},
		{"PKCS #8 called DSA", armour("DSA PRIVATE KEY", block.Bytes), nil},
		{"garbage called encrypted", armour("ENCRYPTED PRIVATE KEY", []byte{5, 0}), ca.ErrMalformed},
		{"an OpenSSH key", armour("OPENSSH PRIVATE KEY", block.Bytes), ca.ErrUnsupportedKey},
		{"a DSA key", armour("DSA PRIVATE KEY", []byte("\x30\x06\x02\x01\x00\x02\x01\x05")), ca.ErrUnsupportedKey},
		{"a public key", armour("PUBLIC KEY", block.Bytes), ca.ErrOtherPEM},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ca.ParsePrivateKey([]byte(test.data), "secret")
			wantError(t, err, test.want)
		})
	}
}

// A curve whose parameters are written in full is a known one only if all of them are its own.
func TestParsePrivateKey_CurvesInFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openssl(t, dir, strings.Fields("ecparam -genkey -name prime256v1 -noout -out named.pem")...)
	openssl(t, dir, strings.Fields("ec -in named.pem -param_enc explicit -out full.pem")...)
	want, err := ca.ParsePrivateKey(readFile(t, dir, "named.pem"), "")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(readFile(t, dir, "full.pem"))
	got, err := ca.ParsePrivateKey(pem.EncodeToMemory(block), "")
	if err != nil || !want.(*ecdsa.PrivateKey).Equal(got) {
		t.Errorf("%v, %v", got, err)
	}
	params := elliptic.P256().Params()
	for name, number := range map[string][]byte{
		"prime": params.P.Bytes(), "order": params.N.Bytes(), "b": params.B.Bytes(), "base": params.Gx.Bytes(),
		"a": new(big.Int).Sub(params.P, big.NewInt(3)).Bytes(),
	} {
		other := bytes.Clone(number)
		other[len(other)-1] ^= 4
		if bytes.Count(block.Bytes, number) != 1 {
			t.Fatalf("%s is not in the key once", name)
		}
		odd := &pem.Block{Type: block.Type, Bytes: bytes.Replace(block.Bytes, number, other, 1)}
		_, err := ca.ParsePrivateKey(pem.EncodeToMemory(odd), "")
		wantError(t, err, ca.ErrUnsupportedKey)
	}
}

func TestMarshalPrivateKey_Refuses(t *testing.T) {
	t.Parallel()
	inside := newKey(t, ca.ECDSAP256)
	_, err := ca.MarshalPrivateKey(liar{inside})
	wantError(t, err, ca.ErrUnsupportedKey)
	_, err = ca.EncryptPrivateKey(liar{inside}, "secret")
	wantError(t, err, ca.ErrUnsupportedKey)
	_, err = ca.EncryptPrivateKey(inside, "")
	wantError(t, err, ca.ErrPasswordRequired)
}

// Key types that existing fleets have beside the generated algorithms.
func TestAlgorithmOf_Imported(t *testing.T) {
	t.Parallel()
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	even := rsaPublic(2048)
	even.N.SetBit(even.N, 0, 0)
	tests := []struct {
		pub  any
		want ca.KeyAlgorithm
		err  error
	}{
		{p521.Public(), "ecdsa-p521", nil},
		{rsaPublic(8192), "rsa-8192", nil},
		{rsaPublic(8193), "", ca.ErrUnsupportedKey},
		{rsaPublic(2047), "", ca.ErrWeakKey},
		{even, "", ca.ErrWeakKey},
		{(*ecdsa.PublicKey)(nil), "", ca.ErrUnsupportedKey},
		{&ecdsa.PublicKey{}, "", ca.ErrUnsupportedKey},
		{"no key", "", ca.ErrUnsupportedKey},
	}
	for _, test := range tests {
		got, err := ca.AlgorithmOf(test.pub)
		wantError(t, err, test.err)
		if got != test.want {
			t.Errorf("algorithm is %q, want %q", got, test.want)
		}
	}
	authority, err := ca.NewRoot(p521, rootRequest())
	if err != nil {
		t.Fatal(err)
	}
	verifyClient(t, authority, issue(t, authority, ca.ECDSAP256), epoch)
	if err := signCRL(t, authority, nil).CheckSignatureFrom(authority.Certificate); err != nil {
		t.Error(err)
	}
}
