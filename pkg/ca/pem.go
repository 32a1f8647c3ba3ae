package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxPEMBytes bounds an uploaded certificate, request or key, text around it
// included.
const maxPEMBytes = 64 << 10

// pemBegin opens a PEM block (RFC 7468, section 2).
const pemBegin = "-----BEGIN "

// ParseCertificate reads exactly one PEM certificate of at most 64 KiB, under any of the labels
// that OpenSSL reads. Text around it is allowed, as `openssl x509 -text` writes it, and so are CRLF
// line ends.
//
// It fails with [ErrMultiple] when there is another block, of whatever type, with [ErrNotPEM],
// [ErrOtherPEM] or [ErrTooLarge], as [ReadCertificate] does, and with [ErrDates] or [ErrNameText]
// for what OpenVPN refuses. The key is judged by [AlgorithmOf].
func ParseCertificate(pemBytes []byte) (*x509.Certificate, error) {
	block, err := oneSmallPEM(pemBytes, certificateLabels...)
	if err != nil {
		return nil, err
	}
	return readCertificateBlock(block)
}

// ParseCertificates reads the PEM certificate of a CA and those of the CAs above it, at most ten,
// in any order. It fails as [ParseCertificate] does.
func ParseCertificates(pemBytes []byte) ([]*x509.Certificate, error) {
	if len(pemBytes) > maxPEMBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxPEMBytes)
	}
	blocks, err := allPEM(pemBytes, 1+maxChain)
	if err != nil {
		return nil, err
	}
	list := make([]*x509.Certificate, len(blocks))
	for i, block := range blocks {
		if !slices.Contains(certificateLabels, block.Type) || len(block.Headers) > 0 {
			return nil, fmt.Errorf("%w: no %s", ErrOtherPEM, certificateLabels[0])
		}
		if list[i], err = readCertificateBlock(block); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func readCertificateBlock(block *pem.Block) (*x509.Certificate, error) {
	der := block.Bytes
	if block.Type == trustedLabel { // what OpenSSL puts after the certificate says how it is to be used
		rest, cert := cryptobyte.String(der), cryptobyte.String(nil)
		if !rest.ReadASN1Element(&cert, cbasn1.SEQUENCE) {
			return nil, fmt.Errorf("%w: not an X.509 certificate", ErrContent)
		}
		der = cert
	}
	cert, err := ReadCertificate(der)
	switch {
	case err != nil:
		return nil, err
	case !strictValidity(cert.RawTBSCertificate):
		return nil, ErrDates
	case !readableName(cert.RawIssuer) || !readableName(cert.RawSubject):
		return nil, ErrNameText
	}
	return cert, nil
}

const trustedLabel = "TRUSTED CERTIFICATE"

var certificateLabels = []string{"CERTIFICATE", "X509 CERTIFICATE", trustedLabel}

// SplitDER returns the DER values that stand one after the other. It fails with [ErrMalformed].
func SplitDER(all []byte) ([][]byte, error) {
	var list [][]byte
	for rest := cryptobyte.String(all); !rest.Empty(); {
		var one cryptobyte.String
		if !rest.ReadASN1Element(&one, cbasn1.SEQUENCE) {
			return nil, fmt.Errorf("%w: not certificates one after the other", ErrMalformed)
		}
		list = append(list, one)
	}
	return list, nil
}

// EncodeCertificatePEM wraps a certificate as RFC 7468, section 5, describes.
func EncodeCertificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func oneSmallPEM(data []byte, types ...string) (*pem.Block, error) {
	if len(data) > maxPEMBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxPEMBytes)
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
		return nil, fmt.Errorf("%w: no %s", ErrOtherPEM, types[0])
	}
	return block, nil
}

// allPEM decodes every block: at least one, at most limit. Text around them is
// skipped. pem.Decode skips blocks that it cannot read, too; here that is a
// fault, because a reader that skips another block than we do would see another
// certificate.
func allPEM(data []byte, limit int) ([]*pem.Block, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a byte order mark, which some editors write first
	data = bytes.TrimSpace(data)
	begun := bytes.Count(data, []byte(pemBegin))
	if begun == 0 {
		return nil, fmt.Errorf("%w: none", ErrNotPEM)
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
		return nil, fmt.Errorf("%w: damaged", ErrNotPEM)
	}
	return blocks, nil
}
