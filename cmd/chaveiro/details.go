package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// certificateDetails are what is read from a certificate itself. The fields are empty, but for the
// fingerprint, when the certificate was imported and has a form that Go does not read.
type certificateDetails struct {
	Subject            string `json:"subject"`
	Issuer             string `json:"issuer"`
	Serial             string `json:"serial"`
	NotBefore          stamp  `json:"not_before"`
	NotAfter           stamp  `json:"not_after"`
	SignatureAlgorithm string `json:"signature_algorithm"`
	Fingerprint        string `json:"fingerprint_sha256"`
}

var errNoPEM = errors.New("the certificate is not in PEM")

// certificateDetailsOf reads the first certificate of a PEM text.
func certificateDetailsOf(text []byte) (certificateDetails, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return certificateDetails{}, errNoPEM
	}
	sum := sha256.Sum256(block.Bytes)
	details := certificateDetails{Fingerprint: colons(sum[:])}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return details, nil
	}
	details.Subject, details.Issuer = cert.Subject.String(), cert.Issuer.String()
	details.Serial = cert.SerialNumber.Text(16)
	details.NotBefore, details.NotAfter = stamp(cert.NotBefore), stamp(cert.NotAfter)
	details.SignatureAlgorithm = cert.SignatureAlgorithm.String()
	return details, nil
}

// colons writes octets as `openssl x509 -fingerprint` does.
func colons(octets []byte) string {
	parts := make([]string, len(octets))
	for i := range octets {
		parts[i] = strings.ToUpper(hex.EncodeToString(octets[i : i+1]))
	}
	return strings.Join(parts, ":")
}

// caDetails is a CA with what its certificate and its last CRL say.
type caDetails struct {
	caRecord
	certificateDetails
	CRLNumber     string `json:"crl_number"`
	CRLThisUpdate stamp  `json:"crl_this_update"`
	CRLNextUpdate stamp  `json:"crl_next_update"`
}

func caDetailsOf(ctx context.Context, s *service.Services, ca domain.CA) (caDetails, error) {
	text, err := s.CAs.Certificate(ctx, ca.ID)
	if err != nil {
		return caDetails{}, err
	}
	certificate, err := certificateDetailsOf(text)
	if err != nil {
		return caDetails{}, err
	}
	crl, err := crlRecordOf(ctx, s, ca)
	return caDetails{caRecordAt(s.CAs.Now())(ca), certificate, crl.Number, crl.ThisUpdate, crl.NextUpdate}, err
}

// issuedDetails are those of certificateDetails that the record of an issued certificate lacks.
type issuedDetails struct {
	Subject            string `json:"subject"`
	Issuer             string `json:"issuer"`
	NotAfter           stamp  `json:"not_after"`
	SignatureAlgorithm string `json:"signature_algorithm"`
	Fingerprint        string `json:"fingerprint_sha256"`
}

func issuedDetailsOf(text []byte) (issuedDetails, error) {
	d, err := certificateDetailsOf(text)
	return issuedDetails{d.Subject, d.Issuer, d.NotAfter, d.SignatureAlgorithm, d.Fingerprint}, err
}

// clientDetails is a client with what its certificate says.
type clientDetails struct {
	clientRecord
	CA string `json:"ca"`
	issuedDetails
}

func clientDetailsOf(
	ctx context.Context, s *service.Services, client domain.Client, record clientRecord,
) (clientDetails, error) {
	ca, err := s.CAs.Get(ctx, client.CAID)
	if err != nil {
		return clientDetails{}, err
	}
	text, err := s.Clients.Certificate(ctx, client.ID)
	if err != nil {
		return clientDetails{}, err
	}
	issued, err := issuedDetailsOf(text)
	return clientDetails{record, ca.Name, issued}, err
}

// certificateShown is a certificate with what it says itself.
type certificateShown struct {
	certificateRecord
	CA string `json:"ca"`
	issuedDetails
}

func certificateShownOf(
	ctx context.Context, s *service.Services, cert domain.Certificate, record certificateRecord,
) (certificateShown, error) {
	ca, err := s.CAs.Get(ctx, cert.CAID)
	if err != nil {
		return certificateShown{}, err
	}
	text, err := s.Certificates.PEM(ctx, cert.ID)
	if err != nil {
		return certificateShown{}, err
	}
	issued, err := issuedDetailsOf(text)
	return certificateShown{record, ca.Name, issued}, err
}
