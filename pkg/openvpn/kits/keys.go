package kits

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
	"unicode"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// material is the keys and certificates of a profile, checked and written anew.
type material struct {
	CAPEM, CertificatePEM, KeyPEM string
	PKCS12Base64                  string // in lines
	ControlKey, EarlierKey        string // of the control channel

	cas, chain []*pem.Block
}

func (p Profile) material() (material, error) {
	var c checker
	ca := c.pem(openvpn.Certificates("CA", p.CA))
	certificate := c.pem(openvpn.Certificates("Certificate", p.Certificate))
	key := p.key(&c)
	control, err := p.Control.text()
	if err != nil {
		c.addf("Control.Key", "%v", err)
	}
	var earlier string
	if p.Earlier.Control != nil {
		if earlier, err = p.Earlier.Control.text(); err != nil {
			c.addf("Earlier.Control.Key", "%v", err)
		}
	}
	m := material{
		EarlierKey: earlier,
		CAPEM:      string(ca), CertificatePEM: string(certificate), KeyPEM: string(key), ControlKey: control,
		cas: blocks(ca), chain: blocks(certificate),
	}
	if len(p.PKCS12) > 0 {
		if !wholeSequence(p.PKCS12) {
			c.addf("PKCS12", "it is no PKCS#12 file")
		}
		m.PKCS12Base64 = lines(base64.StdEncoding.EncodeToString(p.PKCS12), 64)
	}
	return m, errors.Join(c.faults...)
}

// maxKeyFile is the length of the name of a file, in bytes.
const maxKeyFile = 200

// key reads the key, unless the device has it in a file.
func (p Profile) key(c *checker) []byte {
	if p.KeyFile == "" {
		return c.pem(openvpn.PrivateKey("Key", p.Key))
	}
	if len(p.Key) > 0 {
		c.addf("KeyFile", "there is a key besides")
	}
	if len(p.KeyFile) > maxKeyFile || strings.ContainsFunc(p.KeyFile, unicode.IsControl) {
		c.addf("KeyFile", "it is no name of a file")
	}
	return nil
}

// pem takes what a reader of openvpn returns; its errors name the field.
func (c *checker) pem(text []byte, err error) []byte {
	if err != nil {
		field, problem, _ := strings.Cut(err.Error(), ": ")
		c.addf(field, "%s", problem)
	}
	return text
}

func blocks(text []byte) []*pem.Block {
	var found []*pem.Block
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return found
		}
		found = append(found, block)
	}
}

// wholeSequence reports whether der is one sequence and nothing else (RFC 7292, section 4).
func wholeSequence(der []byte) bool {
	var value asn1.RawValue
	rest, err := asn1.Unmarshal(der, &value)
	return err == nil && len(rest) == 0 && value.Tag == asn1.TagSequence && value.IsCompound
}

func lines(text string, width int) string {
	var b strings.Builder
	for ; len(text) > width; text = text[width:] {
		b.WriteString(text[:width] + "\n")
	}
	b.WriteString(text + "\n")
	return b.String()
}

// encrypted reports whether a password is needed for the key.
func (m material) encrypted() bool {
	return strings.Contains(m.KeyPEM, "ENCRYPTED PRIVATE KEY-----") || strings.Contains(m.KeyPEM, "Proc-Type: 4,ENCRYPTED")
}

// text returns the key of the control channel, written anew; none for NoControl.
func (c Control) text() (string, error) {
	switch c.Kind {
	case TLSAuth, TLSCrypt:
		key, err := openvpn.ParseStaticKey(c.Key)
		if err != nil {
			return "", errors.New("it is no static key")
		}
		return key.Text(), nil
	case TLSCryptV2:
		key, err := openvpn.ParseTLSCryptClientKey(c.Key)
		if err != nil {
			return "", errors.New("it is no tls-crypt-v2 client key")
		}
		return key.Text(), nil
	}
	return "", nil
}

// fingerprint is the SHA-256 of a certificate in lower-case hex, as RouterOS shows it.
func fingerprint(block *pem.Block) string {
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

// algorithm is the kind of the client's public key; unknown if only others can read the
// certificate.
func (m material) algorithm() x509.PublicKeyAlgorithm {
	if len(m.chain) == 0 {
		return x509.UnknownPublicKeyAlgorithm
	}
	certificate, err := x509.ParseCertificate(m.chain[0].Bytes)
	if err != nil {
		return x509.UnknownPublicKeyAlgorithm
	}
	return certificate.PublicKeyAlgorithm
}

// issuing returns the authority that issues servers' certificates, if the authorities are one
// chain, in any order: each but one was issued by another of them, and no two by the same.
func (m material) issuing() (*pem.Block, bool) {
	if len(m.cas) == 1 {
		return m.cas[0], true
	}
	var all []*x509.Certificate
	for _, block := range m.cas {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, false
		}
		all = append(all, certificate)
	}
	at := lowest(all)
	if at < 0 {
		return nil, false
	}
	return m.cas[at], true
}

// lowest returns the index of the end of a chain, -1 if it is no chain.
func lowest(all []*x509.Certificate) int {
	roots, end, issuers := 0, -1, map[int]bool{}
	for i, certificate := range all {
		at := issuerOf(all, i, certificate)
		if at < 0 {
			roots++
		} else if issuers[at] {
			return -1
		} else {
			issuers[at] = true
		}
	}
	for i := range all {
		if !issuers[i] {
			end = i
		}
	}
	if roots != 1 {
		return -1
	}
	return end
}

// issuerOf returns the index of the issuer of a certificate among the others, -1 if it is not
// there.
func issuerOf(all []*x509.Certificate, self int, certificate *x509.Certificate) int {
	for i, other := range all {
		if i != self && certificate.CheckSignatureFrom(other) == nil {
			return i
		}
	}
	return -1
}

// pkcs8 returns the key in PKCS#8, in base64 without the lines of PEM. The key must not be
// encrypted.
func (m material) pkcs8() (string, error) {
	block, _ := pem.Decode([]byte(m.KeyPEM))
	var key any
	var err error
	switch block.Type {
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return base64.StdEncoding.EncodeToString(block.Bytes), nil
	}
	if err != nil {
		return "", &Invalid{Field: "Key", Problem: "it can't be read"}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return base64.StdEncoding.EncodeToString(der), err
}
