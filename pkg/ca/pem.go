package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
)

// maxPEMBytes bounds an uploaded certificate, request or key, text around it
// included.
const maxPEMBytes = 64 << 10

// pemBegin opens a PEM block (RFC 7468 section 2).
const pemBegin = "-----BEGIN "

// ParseCertificate reads exactly one PEM certificate of at most 64 KiB. Text
// before it is allowed, as `openssl x509 -text` writes it, and so are CRLF
// line ends; text after it is not.
//
// It fails with [ErrMultiple] when there is another block, of whatever type,
// and with [ErrMalformed] for anything else wrong, a serial number of zero,
// less, or more than 20 octets included: it could never stand in a CRL. The
// key is judged by [AlgorithmOf].
func ParseCertificate(pemBytes []byte) (*x509.Certificate, error) {
	block, err := oneSmallPEM(pemBytes, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: not an X.509 certificate, or with a key of an unknown kind", ErrMalformed)
	}
	if !validSerial(cert.SerialNumber) {
		return nil, fmt.Errorf("%w: the serial number is not positive or has more than 20 octets", ErrMalformed)
	}
	return cert, nil
}

// ParseCSR reads exactly one PEM certificate request (PKCS #10, RFC 2986)
// under the rules of [ParseCertificate]. Its signature is not verified;
// [Authority.SignCSR] does that.
func ParseCSR(pemBytes []byte) (*x509.CertificateRequest, error) {
	block, err := oneSmallPEM(pemBytes, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
	if err != nil {
		return nil, err
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: not a PKCS #10 request, or with a key of an unknown kind", ErrMalformed)
	}
	return csr, nil
}

// EncodeCertificatePEM wraps a certificate as RFC 7468 section 5 describes.
func EncodeCertificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func oneSmallPEM(data []byte, types ...string) (*pem.Block, error) {
	if len(data) > maxPEMBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrMalformed, maxPEMBytes)
	}
	return onePEM(data, types...)
}

// onePEM returns the only block of data, which must be of one of the types and
// without headers.
func onePEM(data []byte, types ...string) (*pem.Block, error) {
	blocks, err := allPEM(data, 1)
	if err != nil {
		return nil, err
	}
	block := blocks[0]
	if !slices.Contains(types, block.Type) || len(block.Headers) > 0 {
		return nil, fmt.Errorf("%w: the PEM block is no %s", ErrMalformed, types[0])
	}
	return block, nil
}

// allPEM decodes every block: at least one, at most limit. pem.Decode skips
// what it cannot read; here that is a fault, because a reader who skips
// another block than we do would see another certificate.
func allPEM(data []byte, limit int) ([]*pem.Block, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a mark some editors put first
	data = bytes.TrimSpace(data)
	begun := bytes.Count(data, []byte(pemBegin))
	if begun == 0 {
		return nil, fmt.Errorf("%w: no PEM block", ErrMalformed)
	}
	if begun > limit {
		return nil, fmt.Errorf("%w: %d PEM blocks", ErrMultiple, begun)
	}
	var blocks []*pem.Block
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(data) {
		blocks = append(blocks, block)
		data = bytes.TrimSpace(rest)
	}
	if len(blocks) != begun {
		return nil, fmt.Errorf("%w: a PEM block is damaged", ErrMalformed)
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("%w: text after the last PEM block", ErrMalformed)
	}
	return blocks, nil
}
