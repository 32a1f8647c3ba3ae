package pki

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// ListNumber is the number of the list that a CA has published last.
type ListNumber struct {
	CAID   int64
	Name   string // of the CA
	Issuer string // see ca.IssuerTag
	Number *big.Int
}

// Numbers returns the numbers of the lists that Chain returns, by ascending CA. Errors:
// *domain.Error with Missing.
func (s *CRLs) Numbers(ctx context.Context, caID int64) ([]ListNumber, error) {
	states, err := s.States(ctx, caID)
	if err != nil {
		return nil, err
	}
	var list []ListNumber
	for _, id := range slices.Sorted(maps.Keys(states)) {
		authority, err := s.Store.CAs().Get(ctx, id)
		if err != nil {
			return nil, err
		}
		key, err := s.Store.CAs().Key(ctx, id)
		if err != nil {
			return nil, err
		}
		cert, err := ca.ReadCertificate(key.Certificate)
		if err != nil {
			return nil, fmt.Errorf("certificate of CA %d: %w", id, err)
		}
		number := big.NewInt(states[id].Number)
		if base := states[id].Base; base != nil {
			number.Add(number, base)
		}
		list = append(list, ListNumber{id, authority.Name, ca.IssuerTag(cert), number})
	}
	return list, nil
}
