package ca

import (
	"encoding/asn1"
	"regexp"
)

// EncryptionError says that a key is encrypted in a way that is not read. It
// is [ErrUnsupportedEncryption].
type EncryptionError struct {
	// Algorithm is what the key names: a scheme, a cipher, a key derivation or
	// its function, by name, or as dotted object identifier if it has none here.
	// It has letters, digits, dots, slashes and hyphens only.
	Algorithm string
}

// Error implements error.
func (e *EncryptionError) Error() string {
	return ErrUnsupportedEncryption.Error() + ": " + e.Algorithm
}

// Unwrap returns the kind of the fault.
func (e *EncryptionError) Unwrap() error { return ErrUnsupportedEncryption }

func unknownOID(oid asn1.ObjectIdentifier) error {
	text := oid.String()
	if name := encryptionNames[text]; name != "" {
		text = name
	}
	return &EncryptionError{Algorithm: text}
}

// cipherName is how a DEK-Info header may name a cipher.
var cipherName = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

// encryptionNames are the names of algorithms that keys are or were encrypted with and that are not
// read: RFC 8018, appendices A to C; RFC 7292, appendix C; RFC 4269, RFC 5794, RFC 3370, RFC 3565
// and RFC 5084; and the registry of OpenSSL.
var encryptionNames = map[string]string{
	"1.2.840.113549.1.5.1":    "pbeWithMD2AndDES-CBC",
	"1.2.840.113549.1.5.3":    "pbeWithMD5AndDES-CBC",
	"1.2.840.113549.1.5.4":    "pbeWithMD2AndRC2-CBC",
	"1.2.840.113549.1.5.6":    "pbeWithMD5AndRC2-CBC",
	"1.2.840.113549.1.5.10":   "pbeWithSHA1AndDES-CBC",
	"1.2.840.113549.1.5.11":   "pbeWithSHA1AndRC2-CBC",
	"1.2.840.113549.1.5.14":   "PBMAC1",
	"1.2.840.113549.1.12.1.1": "pbeWithSHAAnd128BitRC4",
	"1.2.840.113549.1.12.1.2": "pbeWithSHAAnd40BitRC4",
	"1.2.840.113549.1.12.1.5": "pbeWithSHAAnd128BitRC2-CBC",
	"1.2.840.113549.1.12.1.6": "pbeWithSHAAnd40BitRC2-CBC",

	"1.3.14.3.2.7":            "DES-CBC",
	"1.2.840.113549.3.2":      "RC2-CBC",
	"1.2.840.113549.3.4":      "RC4",
	"1.2.840.113549.3.9":      "RC5-CBC",
	"1.2.840.113533.7.66.10":  "CAST5-CBC",
	"1.3.6.1.4.1.188.7.1.1.2": "IDEA-CBC",
	"1.3.6.1.4.1.3029.1.2":    "BF-CBC",
	"1.2.410.200004.1.4":      "SEED-CBC",
	"1.2.156.10197.1.104.2":   "SM4-CBC",
	"2.16.840.1.101.3.4.1.1":  "AES-128-ECB",
	"2.16.840.1.101.3.4.1.3":  "AES-128-OFB",
	"2.16.840.1.101.3.4.1.4":  "AES-128-CFB",
	"2.16.840.1.101.3.4.1.6":  "AES-128-GCM",
	"2.16.840.1.101.3.4.1.21": "AES-192-ECB",
	"2.16.840.1.101.3.4.1.23": "AES-192-OFB",
	"2.16.840.1.101.3.4.1.24": "AES-192-CFB",
	"2.16.840.1.101.3.4.1.26": "AES-192-GCM",
	"2.16.840.1.101.3.4.1.41": "AES-256-ECB",
	"2.16.840.1.101.3.4.1.43": "AES-256-OFB",
	"2.16.840.1.101.3.4.1.44": "AES-256-CFB",
	"2.16.840.1.101.3.4.1.46": "AES-256-GCM",
	"1.2.840.113549.2.6":      "HMAC-MD5",
	"2.16.840.1.101.3.4.2.13": "HMAC-SHA3-224",
	"2.16.840.1.101.3.4.2.14": "HMAC-SHA3-256",
	"2.16.840.1.101.3.4.2.15": "HMAC-SHA3-384",
	"2.16.840.1.101.3.4.2.16": "HMAC-SHA3-512",
	"1.2.156.10197.1.401.2":   "HMAC-SM3",
	"1.2.643.7.1.1.4.1":       "HMAC-GOST-2012-256",
	"1.2.643.7.1.1.4.2":       "HMAC-GOST-2012-512",
}
