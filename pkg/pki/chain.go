package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxDepth bounds the CAs above one another.
const maxDepth = 10

var errDeepChain = errors.New("pki: the CAs above a CA have no end")

// chain returns the certificates of a CA and of those above it up to the root, as far as they are
// known, in DER. ids are those of the CAs that are here. Errors: *domain.Error with Missing.
func chain(ctx context.Context, store domain.Store, caID int64) (ders [][]byte, ids []int64, err error) {
	for id := caID; id != 0; {
		if len(ids) > maxDepth {
			return nil, nil, errDeepChain
		}
		key, err := store.CAs().Key(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		ders, ids, id = append(ders, key.Certificate), append(ids, id), key.ParentID
		above, err := ca.SplitDER(key.Chain)
		if err != nil {
			return nil, nil, fmt.Errorf("chain of CA %d: %w", key.CAID, err)
		}
		ders = append(ders, above...)
	}
	return ders, ids, nil
}

// chainPEM is the PEM file of these certificates and those of the CA and above.
func chainPEM(ctx context.Context, store domain.Store, caID int64, first ...[]byte) ([]byte, error) {
	ders, _, err := chain(ctx, store, caID)
	var text []byte
	for _, der := range append(first, ders...) {
		text = append(text, ca.EncodeCertificatePEM(der)...)
	}
	return text, err
}

// Bundle returns the current lists of a CA and of those above it that are here, in PEM: what
// crl-verify needs where certificates come with the CAs between them and the root. stale says that
// one of them is the last that could be had.
func (s *CRLs) Bundle(ctx context.Context, caID int64) (text []byte, stale bool, err error) {
	lists, err := s.Chain(ctx, caID)
	for _, list := range lists {
		text, stale = append(text, list.PEM...), stale || list.Stale
	}
	return text, stale, err
}

// Chain returns the current lists of a CA and of those above it that are here, from the CA up.
func (s *CRLs) Chain(ctx context.Context, caID int64) ([]*SignedCRL, error) {
	_, ids, err := chain(ctx, s.Store, caID)
	if err != nil {
		return nil, err
	}
	lists := make([]*SignedCRL, len(ids))
	for i, id := range ids {
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
