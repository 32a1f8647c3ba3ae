package ca

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"testing"
)

func pkcs8PEM(t *testing.T, oid asn1.ObjectIdentifier, params any) string {
	t.Helper()
	algorithm, err := withParams(oid, params)
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(encryptedKeyInfo{algorithm, make([]byte, 16)})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))
}

func traditionalPEM(info string) string {
	return "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: " + info +
		"\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n"
}

// TestReadPrivateKey_EncryptionError: what can't be opened is named before a password is asked for.
func TestReadPrivateKey_EncryptionError(t *testing.T) {
	t.Parallel()
	oid := func(last ...int) asn1.ObjectIdentifier { return last }
	sha256 := pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256}
	kdf := func(prf pkix.AlgorithmIdentifier) pkix.AlgorithmIdentifier {
		found, err := withParams(oidPBKDF2, pbkdf2Params{[]byte("salt"), number(2), 0, prf})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	pbes2 := func(cipher asn1.ObjectIdentifier) string {
		return pkcs8PEM(t, oidPBES2, pbes2Params{kdf(sha256), pkix.AlgorithmIdentifier{Algorithm: cipher}})
	}
	aes := pkix.AlgorithmIdentifier{Algorithm: oidAES256CBC}
	for want, text := range map[string]string{
		"SEED-CBC":                  traditionalPEM("SEED-CBC,0011223344556677"),
		"IDEA-CBC":                  traditionalPEM("IDEA-CBC,0011223344556677"),
		"RC2-40-CBC":                traditionalPEM("RC2-40-CBC,0011223344556677"),
		"BF-CBC":                    traditionalPEM("BF-CBC,0011223344556677"),
		"SM4-CBC":                   traditionalPEM("SM4-CBC,00112233445566770011223344556677"),
		"FUTURE-1":                  traditionalPEM("FUTURE-1"),
		"pbeWithMD5AndDES-CBC":      pkcs8PEM(t, oid(1, 2, 840, 113549, 1, 5, 3), 5),
		"pbeWithSHA1AndRC2-CBC":     pkcs8PEM(t, oid(1, 2, 840, 113549, 1, 5, 11), 5),
		"pbeWithSHAAnd40BitRC2-CBC": pkcs8PEM(t, oid(1, 2, 840, 113549, 1, 12, 1, 6), 5),
		"pbeWithSHAAnd128BitRC4":    pkcs8PEM(t, oid(1, 2, 840, 113549, 1, 12, 1, 1), 5),
		"1.2.3.4":                   pkcs8PEM(t, oid(1, 2, 3, 4), 5),
		"RC2-CBC":                   pbes2(oid(1, 2, 840, 113549, 3, 2)),
		"AES-256-GCM":               pbes2(oid(2, 16, 840, 1, 101, 3, 4, 1, 46)),
		"1.2.3.5":                   pbes2(oid(1, 2, 3, 5)),
		"1.2.3.6": pkcs8PEM(
			t, oidPBES2, pbes2Params{pkix.AlgorithmIdentifier{Algorithm: oid(1, 2, 3, 6)}, aes},
		),
		"HMAC-SHA3-256": pkcs8PEM(
			t, oidPBES2, pbes2Params{
				kdf(pkix.AlgorithmIdentifier{Algorithm: oid(2, 16, 840, 1, 101, 3, 4, 2, 14)}), aes,
			},
		),
	} {
		_, err := ReadPrivateKey([]byte(text))
		if found, ok := errors.AsType[*EncryptionError](err); !ok || found.Algorithm != want ||
			!errors.Is(err, ErrUnsupportedEncryption) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, info := range []string{
		"AES-128-CBC", "AES-128-CBC,xy", "AES-128-CBC,0011", "<b>,0011223344556677", ",", "A B,00",
	} {
		if _, err := ReadPrivateKey([]byte(traditionalPEM(info))); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", info, err)
		}
	}
}
