package ca

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// The bounds of a PKCS #12 file.
const (
	maxPKCS12Bytes = 64 << 10
	maxPKCS12Bags  = 64 // certificates and keys
	maxPKCS12Safes = 8
)

// oidKeyBag is of RFC 7292, section 4.2. The others are those that are written.
var oidKeyBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}

// pkcs12Ciphers are the obsolete schemes of RFC 7292, appendix C, that are read of the certificates
// of a file, beside those that are read of keys.
var pkcs12Ciphers = map[string]blockCipher{
	"1.2.840.113549.1.12.1.5": {16, newRC2},
	"1.2.840.113549.1.12.1.6": {5, newRC2},
}

type pkcs12File struct {
	Version  int
	AuthSafe pkcs12Content
	Mac      asn1.RawValue `asn1:"optional"`
}

// pkcs12Content is ContentInfo, RFC 2315, section 7.
type pkcs12Content struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

// pkcs12Encrypted is EncryptedData, RFC 2315, section 13.
type pkcs12Encrypted struct {
	Version int
	Info    struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte `asn1:"tag:0,optional"`
	}
}

// pkcs12Bag is SafeBag, RFC 7292, section 4.2.
type pkcs12Bag struct {
	ID         asn1.ObjectIdentifier
	Value      asn1.RawValue `asn1:"tag:0,explicit"`
	Attributes asn1.RawValue `asn1:"set,optional"`
}

type pkcs12Cert struct {
	ID   asn1.ObjectIdentifier
	Data []byte `asn1:"tag:0,explicit"`
}

// OpenPKCS12 returns the certificates and keys of a PKCS #12 file (RFC 7292) of at most 64 KiB as
// PEM blocks, in their order. Encrypted keys stay encrypted, with the same password: see
// [ReadPrivateKey]. The integrity of the file is not checked: the signatures of certificates, and
// whether keys belong to them, say more. It takes up to some seconds, so callers must bound how
// many calls run at once.
//
// It fails with [ErrContent] for what is no such file, [ErrTooLarge], [ErrPasswordRequired],
// [ErrWrongPassword], an [EncryptionError] or a [BoundError].
func OpenPKCS12(der []byte, password string) ([]*pem.Block, error) {
	if len(der) > maxPKCS12Bytes {
		return nil, fmt.Errorf("%w: a PKCS #12 file of more than %d bytes", ErrTooLarge, maxPKCS12Bytes)
	}
	var file pkcs12File
	var safes []pkcs12Content
	if err := wholeASN1(der, &file); err != nil || !file.AuthSafe.Type.Equal(oidData) {
		return nil, fmt.Errorf("%w: not a PKCS #12 file with a password", ErrContent)
	}
	data, err := file.AuthSafe.octets()
	if err != nil {
		return nil, err
	}
	if err := wholeASN1(data, &safes); err != nil || len(safes) > maxPKCS12Safes {
		return nil, fmt.Errorf("%w: the content of the PKCS #12 file", ErrContent)
	}
	var found []*pem.Block
	for _, safe := range safes {
		bags, err := safe.bags(password)
		if err != nil {
			return nil, err
		}
		if len(found)+len(bags) > maxPKCS12Bags {
			return nil, fmt.Errorf("%w: more than %d certificates and keys", ErrTooLarge, maxPKCS12Bags)
		}
		for _, bag := range bags {
			block, err := bag.pem()
			if err != nil {
				return nil, err
			}
			if block != nil {
				found = append(found, block)
			}
		}
	}
	return found, nil
}

func wholeASN1(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = errors.New("something follows")
	}
	return err
}

// octets returns the content of Data.
func (c pkcs12Content) octets() (data []byte, err error) {
	if err = wholeASN1(c.Content.FullBytes, &data); err == nil {
		return data, nil
	}
	if err = wholeASN1(c.Content.Bytes, &data); err != nil {
		err = fmt.Errorf("%w: the content of the PKCS #12 file", ErrContent)
	}
	return data, err
}

// bags returns what a part of a file has.
func (c pkcs12Content) bags(password string) (bags []pkcs12Bag, err error) {
	var data []byte
	switch {
	case c.Type.Equal(oidData):
		data, err = c.octets()
	case c.Type.Equal(oidEncryptedData):
		data, err = c.decrypted(password)
	default:
		err = fmt.Errorf("%w: the content of the PKCS #12 file is of another kind", ErrContent)
	}
	if err != nil {
		return nil, err
	}
	if err := wholeASN1(data, &bags); err != nil {
		if c.Type.Equal(oidEncryptedData) { // CBC has no integrity
			return nil, ErrWrongPassword
		}
		return nil, fmt.Errorf("%w: the bags of the PKCS #12 file", ErrContent)
	}
	return bags, nil
}

func (c pkcs12Content) decrypted(password string) ([]byte, error) {
	if password == "" {
		return nil, ErrPasswordRequired
	}
	var sealed pkcs12Encrypted
	if wholeASN1(c.Content.FullBytes, &sealed) != nil && wholeASN1(c.Content.Bytes, &sealed) != nil {
		return nil, fmt.Errorf("%w: the encrypted part of the PKCS #12 file", ErrContent)
	}
	algorithm := sealed.Info.Algorithm
	if scheme, ok := pkcs12Ciphers[algorithm.Algorithm.String()]; ok {
		open, err := readPBES1(scheme, algorithm.Parameters.FullBytes, sealed.Info.Data)
		if err != nil {
			return nil, err
		}
		return open(password)
	}
	// as a key that is encrypted in the same way
	info, err := asn1.Marshal(encryptedKeyInfo{Algorithm: algorithm, Data: sealed.Info.Data})
	if err != nil {
		return nil, fmt.Errorf("%w: the encrypted part of the PKCS #12 file", ErrContent)
	}
	open, err := readPKCS8(info)
	if err != nil {
		return nil, err
	}
	return open(password)
}

// pem returns a certificate or key; nil: it is something else.
func (b pkcs12Bag) pem() (*pem.Block, error) {
	switch {
	case b.ID.Equal(oidKeyBag):
		return &pem.Block{Type: "PRIVATE KEY", Bytes: b.Value.Bytes}, nil
	case b.ID.Equal(oidShroudedKeyBag):
		return &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: b.Value.Bytes}, nil
	case b.ID.Equal(oidCertBag):
		var cert pkcs12Cert
		if err := wholeASN1(b.Value.Bytes, &cert); err != nil {
			return nil, fmt.Errorf("%w: a certificate of the PKCS #12 file", ErrContent)
		}
		if cert.ID.Equal(oidX509Certificate) {
			return &pem.Block{Type: "CERTIFICATE", Bytes: cert.Data}, nil
		}
	}
	return nil, nil
}
