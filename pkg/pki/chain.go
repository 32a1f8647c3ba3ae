package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxDepth bounds the CAs above one another.
const maxDepth = 10

var errDeepChain = errors.New("pki: the CAs above a CA have no end")

// chain returns, in DER, the certificates of a CA and of those above it up to the root, as far as
// they are known: what a peer presents after its own certificate. A self-signed CA whose
// predecessor has signed its key is below that one, because the other side may trust nothing else.
// Errors: *domain.Error with Missing.
func chain(ctx context.Context, store domain.Store, caID int64, now time.Time) (ders [][]byte, err error) {
	for id, depth := caID, 0; id != 0; depth++ {
		if depth > maxDepth {
			return nil, errDeepChain
		}
		key, err := store.CAs().Key(ctx, id)
		if err != nil {
			return nil, err
		}
		cross, err := crossOf(ctx, store, key, now)
		if err != nil {
			return nil, err
		}
		if cross != nil {
			ders, id = append(ders, cross), key.PredecessorID
			continue
		}
		ders, id = append(ders, key.Certificate), key.ParentID
		above, err := ca.SplitDER(key.Chain)
		if err != nil {
			return nil, fmt.Errorf("chain of CA %d: %w", key.CAID, err)
		}
		ders = append(ders, above...)
	}
	return ders, nil
}

// chainPEM is the PEM file of a certificate and those of its CA and above.
func chainPEM(ctx context.Context, store domain.Store, cert domain.Certificate, now time.Time) ([]byte, error) {
	ders, err := chain(ctx, store, cert.CAID, now)
	return encodeAll(append([][]byte{cert.DER}, ders...)), err
}

func encodeAll(ders [][]byte) (text []byte) {
	for _, der := range ders {
		text = append(text, ca.EncodeCertificatePEM(der)...)
	}
	return text
}

// Bundle returns the current lists of a CA, and of the other CAs that are here and that a peer
// trusts with it, in PEM: what crl-verify needs with the certificates of [CAs.Certificate]. stale
// says that one of them is the last that could be had.
func (s *CRLs) Bundle(ctx context.Context, caID int64) (text []byte, stale bool, err error) {
	lists, err := s.Chain(ctx, caID)
	for _, list := range lists {
		text, stale = append(text, list.PEM...), stale || list.Stale
	}
	return text, stale, err
}

// Chain returns the current lists of a CA, and of the other CAs that are here and that a peer
// trusts with it, that of the CA first.
func (s *CRLs) Chain(ctx context.Context, caID int64) ([]*SignedCRL, error) {
	f, err := readFamily(ctx, s.Store, caID, s.Now())
	if err != nil {
		return nil, err
	}
	lists := make([]*SignedCRL, len(f.ids))
	for i, id := range f.ids {
		if lists[i], err = s.Current(ctx, id); err != nil {
			return nil, err
		}
	}
	return lists, nil
}

// above is what stands above an imported CA: the CA here that has issued it, or the certificates of
// others.
type above struct {
	parentID int64
	chain    []byte
}

// findAbove checks the certificates that were handed in with a CA. A CA that is not self-signed may
// have its issuer here.
func (s *CAs) findAbove(ctx context.Context, cert *x509.Certificate, others []*x509.Certificate) (above, error) {
	if len(others) == 0 && !ca.SelfSigned(cert) {
		id, err := s.issuerHere(ctx, cert)
		return above{parentID: id}, err
	}
	list, err := ca.CheckChain(cert, others...)
	if err != nil || len(list) == 0 {
		return above{}, err
	}
	if id, err := s.issuerHere(ctx, cert); id != 0 || err != nil {
		return above{parentID: id}, err
	}
	var found above
	for _, one := range list {
		found.chain = append(found.chain, one.Raw...)
	}
	return found, nil
}

// issuerHere returns the CA here that has issued a certificate, 0 if none has.
func (s *CAs) issuerHere(ctx context.Context, cert *x509.Certificate) (int64, error) {
	ids, err := s.Store.CAs().IDs(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		key, err := s.Store.CAs().Key(ctx, id)
		if domain.IsKind(err, domain.Missing) {
			continue // deleted meanwhile
		}
		if err != nil {
			return 0, err
		}
		issuer, err := ca.ReadCertificate(key.Certificate)
		if err != nil {
			return 0, err
		}
		if authority := (&ca.Authority{Certificate: issuer}); authority.CheckIssued(cert) == nil {
			return id, nil
		}
	}
	return 0, nil
}
