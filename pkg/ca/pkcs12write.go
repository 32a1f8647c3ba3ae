package ca

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"hash"
	"math/big"
)

// Object identifiers of RFC 7292, section 4.2 and appendix D, RFC 2985, section 5.5, RFC 2315,
// section 14, and of the digests.
var (
	oidData            = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncryptedData   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidShroudedKeyBag  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidX509Certificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidFriendlyName    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidLocalKeyID      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	oidSHA1            = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256          = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// The structures of RFC 7292, section 4 and 4.2, and of RFC 2315, section 13. A RawValue is one
// that explicit has wrapped.
type (
	pfx struct {
		Version  int
		AuthSafe contentInfo
		MAC      pfxMAC
	}
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	pfxMAC struct {
		Digest     digestInfo
		Salt       []byte
		Iterations int
	}
	digestInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	encryptedData struct {
		Version int
		Content encryptedContent
	}
	encryptedContent struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte `asn1:"tag:0"`
	}
	safeBag struct {
		ID         asn1.ObjectIdentifier
		Value      asn1.RawValue
		Attributes []bagAttribute `asn1:"set,optional,omitempty"`
	}
	certBag struct {
		ID   asn1.ObjectIdentifier
		Data []byte `asn1:"tag:0,explicit"`
	}
	bagAttribute struct {
		ID     asn1.ObjectIdentifier
		Values []asn1.RawValue `asn1:"set"`
	}
)

// pkcs12Scheme says how a file is encrypted and authenticated.
type pkcs12Scheme struct {
	encrypt    func(plain []byte, password string, iterations int) (pkix.AlgorithmIdentifier, []byte, error)
	digest     func() hash.Hash
	digestOID  asn1.ObjectIdentifier
	iterations int
}

// write makes a file as OpenSSL does: the certificates are one encrypted content, the key, which is
// encrypted by itself, is another. localKeyID, the SHA-1 of the certificate, tells which belongs
// to the key.
func (s pkcs12Scheme) write(
	key crypto.Signer, cert *x509.Certificate, chain []*x509.Certificate, password string,
) ([]byte, error) {
	sum := sha1.Sum(cert.Raw)
	mine := []bagAttribute{{oidLocalKeyID, []asn1.RawValue{{Tag: asn1.TagOctetString, Bytes: sum[:]}}}}
	mine = append(mine, friendlyName(cert)...)
	keyBag, err := s.keyBag(key, mine, password)
	if err != nil {
		return nil, err
	}
	bags, err := certBags(cert, chain, mine)
	if err != nil {
		return nil, err
	}
	certs, err := s.encrypted(bags, password)
	if err != nil {
		return nil, err
	}
	keys, err := plainContent([]safeBag{keyBag})
	if err != nil {
		return nil, err
	}
	safe, err := asn1.Marshal([]contentInfo{certs, keys})
	if err != nil {
		return nil, err
	}
	content, err := explicit(safe)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(pfx{Version: 3, AuthSafe: contentInfo{oidData, content}, MAC: s.mac(safe, password)})
}

// certBags are those of a certificate, with the attributes mine, and of those above it. One above
// it that has the name of the certificate goes without a name: programs that file by name would
// take one for the other.
func certBags(cert *x509.Certificate, chain []*x509.Certificate, mine []bagAttribute) ([]safeBag, error) {
	first, err := certificateBag(cert, mine)
	bags := []safeBag{first}
	for _, above := range chain {
		if err != nil {
			return nil, err
		}
		var named []bagAttribute
		if above.Subject.CommonName != cert.Subject.CommonName {
			named = friendlyName(above)
		}
		var bag safeBag
		bag, err = certificateBag(above, named)
		bags = append(bags, bag)
	}
	return bags, err
}

func certificateBag(cert *x509.Certificate, attributes []bagAttribute) (safeBag, error) {
	value, err := explicit(certBag{oidX509Certificate, cert.Raw})
	return safeBag{oidCertBag, value, attributes}, err
}

// keyBag encrypts a key.
func (s pkcs12Scheme) keyBag(key crypto.Signer, attributes []bagAttribute, password string) (safeBag, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return safeBag{}, err
	}
	algorithm, data, err := s.encrypt(der, password, s.iterations)
	if err != nil {
		return safeBag{}, err
	}
	value, err := explicit(encryptedKeyInfo{Algorithm: algorithm, Data: data})
	return safeBag{oidShroudedKeyBag, value, attributes}, err
}

func (s pkcs12Scheme) encrypted(bags []safeBag, password string) (contentInfo, error) {
	der, err := asn1.Marshal(bags)
	if err != nil {
		return contentInfo{}, err
	}
	algorithm, data, err := s.encrypt(der, password, s.iterations)
	if err != nil {
		return contentInfo{}, err
	}
	content, err := explicit(encryptedData{Content: encryptedContent{oidData, algorithm, data}})
	return contentInfo{oidEncryptedData, content}, err
}

func plainContent(bags []safeBag) (contentInfo, error) {
	der, err := asn1.Marshal(bags)
	if err != nil {
		return contentInfo{}, err
	}
	content, err := explicit(der)
	return contentInfo{oidData, content}, err
}

// mac authenticates the content: RFC 7292, section 4 and appendix B.4.
func (s pkcs12Scheme) mac(content []byte, password string) pfxMAC {
	salt := random(writtenSaltBytes)
	params := pbes1Params{Salt: salt, Iterations: big.NewInt(int64(s.iterations))}
	mac := hmac.New(s.digest, pkcs12Derive(s.digest, pkcs12MAC, s.digest().Size(), password, params))
	mac.Write(content)
	algorithm := pkix.AlgorithmIdentifier{Algorithm: s.digestOID, Parameters: asn1.NullRawValue}
	return pfxMAC{Digest: digestInfo{algorithm, mac.Sum(nil)}, Salt: salt, Iterations: s.iterations}
}

// friendlyName is the attribute with the common name of a certificate, if it has one: a BMPString
// (RFC 2985, section 5.5.1). Characters beyond the Basic Multilingual Plane are two units of
// UTF-16, as OpenSSL writes and reads them.
func friendlyName(cert *x509.Certificate) []bagAttribute {
	name := cert.Subject.CommonName
	if name == "" {
		return nil
	}
	return []bagAttribute{{oidFriendlyName, []asn1.RawValue{{Tag: asn1.TagBMPString, Bytes: utf16Octets(name)}}}}
}

// explicit is a value under the explicit tag 0.
func explicit(value any) (asn1.RawValue, error) {
	der, err := asn1.Marshal(value)
	return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: der}, err
}
