package pki

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxFamily bounds the CAs of one bundle.
const maxFamily = 64

// family is a CA with those above it, those that take its place or whose place it takes, and those
// of these: what a peer trusts that trusts the CA. Each subject is there once, because an OpenVPN
// server does not start with a `ca` file that has one twice.
type family struct {
	ids          []int64  // of those that are here, the CA itself first
	certificates [][]byte // DER, in the same order, each followed by those above it that are not here
}

// readFamily reads the family of a CA. Others that have ended are left out: nothing of them is
// accepted any more. Errors: *domain.Error with Missing.
func readFamily(ctx context.Context, store domain.Store, caID int64, now time.Time) (family, error) {
	var f family
	var subjects []*x509.Certificate
	for next := []int64{caID}; len(next) > 0 && len(f.ids) < maxFamily; next = next[1:] {
		id := next[0]
		if id == 0 || slices.Contains(f.ids, id) {
			continue
		}
		key, err := store.CAs().Key(ctx, id)
		if id != caID && domain.IsKind(err, domain.Missing) {
			continue // deleted meanwhile
		}
		if err != nil {
			return f, err
		}
		certs, err := readWithAbove(key)
		if err != nil {
			return f, fmt.Errorf("certificates of CA %d: %w", id, err)
		}
		if id != caID && now.After(certs[0].NotAfter) {
			continue
		}
		f.ids = append(f.ids, id)
		for _, cert := range certs {
			same := func(one *x509.Certificate) bool { return ca.SameSubject(one, cert) }
			if !slices.ContainsFunc(subjects, same) {
				subjects, f.certificates = append(subjects, cert), append(f.certificates, cert.Raw)
			}
		}
		next = append(next, key.ParentID, key.SuccessorID, key.PredecessorID)
	}
	return f, nil
}

// readWithAbove parses the certificate of a CA, and those above it that are not here.
func readWithAbove(key domain.CAKey) ([]*x509.Certificate, error) {
	above, err := ca.SplitDER(key.Chain)
	if err != nil {
		return nil, err
	}
	ders := append([][]byte{key.Certificate}, above...)
	certs := make([]*x509.Certificate, len(ders))
	for i, der := range ders {
		if certs[i], err = ca.ReadCertificate(der); err != nil {
			return nil, err
		}
	}
	return certs, nil
}

// crossOf returns, in DER, what the predecessor of a CA has signed for its key, as long as that is
// valid; nil if there is none.
func crossOf(ctx context.Context, store domain.Store, key domain.CAKey, now time.Time) ([]byte, error) {
	if key.PredecessorID == 0 {
		return nil, nil
	}
	list, err := store.CAs().Certificates(ctx, key.CAID)
	if err != nil {
		return nil, err
	}
	for _, one := range slices.Backward(list) {
		if one.Kind != domain.CACertificateCross {
			continue
		}
		cert, err := ca.ReadCertificate(one.DER)
		if err != nil {
			return nil, fmt.Errorf("cross-certificate of CA %d: %w", key.CAID, err)
		}
		record, err := store.Certificates().OfSerial(ctx, key.PredecessorID, ca.FormatSerial(cert.SerialNumber))
		if err != nil && !domain.IsKind(err, domain.Missing) {
			return nil, err
		}
		if now.Before(cert.NotAfter) && !record.Revoked() {
			return one.DER, nil
		}
	}
	return nil, nil
}

// issuersOf returns what a PKCS#12 file has beside a certificate of a CA: the chain that is
// presented, and after it what else is to be trusted.
func issuersOf(ctx context.Context, store domain.Store, caID int64, now time.Time) ([][]byte, error) {
	ders, err := chain(ctx, store, caID, now)
	if err != nil {
		return nil, err
	}
	f, err := readFamily(ctx, store, caID, now)
	for _, der := range f.certificates {
		if !slices.ContainsFunc(ders, func(one []byte) bool { return string(one) == string(der) }) {
			ders = append(ders, der)
		}
	}
	return ders, err
}

// Certificates returns the certificates of a CA, the present one first and then the newest first.
// Errors: *domain.Error with Missing.
func (s *CAs) Certificates(ctx context.Context, id int64) ([]domain.CACertificateInfo, error) {
	record, err := s.Store.CAs().Get(ctx, id)
	if err != nil {
		return nil, err
	}
	key, err := s.Store.CAs().Key(ctx, id)
	if err != nil {
		return nil, err
	}
	others, err := s.Store.CAs().Certificates(ctx, id)
	if err != nil {
		return nil, err
	}
	made := cmp.Or(record.RenewedAt, record.CreatedAt)
	list := []domain.CACertificate{{CAID: id, Kind: domain.CACertificatePresent, DER: key.Certificate, CreatedAt: made}}
	for _, one := range slices.Backward(others) {
		list = append(list, one)
	}
	infos := make([]domain.CACertificateInfo, len(list))
	for i, one := range list {
		cert, err := ca.ReadCertificate(one.DER)
		if err != nil {
			return nil, err
		}
		infos[i] = domain.CACertificateInfo{
			CACertificate: one, Issuer: cert.Issuer.String(), Serial: ca.FormatSerial(cert.SerialNumber),
			Fingerprint: fingerprint(one.DER), PEM: string(ca.EncodeCertificatePEM(one.DER)),
			NotBefore: cert.NotBefore.UTC(), NotAfter: cert.NotAfter.UTC(),
		}
	}
	return infos, nil
}
