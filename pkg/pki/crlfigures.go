package pki

import (
	"math/big"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// CRLFigures are what the list of a CA says of itself. Stale and Overdue are as in CRLHealth.
type CRLFigures struct {
	CAID                   int64
	Number                 *big.Int
	Entries                int
	ThisUpdate, NextUpdate time.Time
	Stale, Overdue         bool
}

// countedCRL is what was read of a list.
type countedCRL struct {
	of      *SignedCRL
	number  *big.Int
	entries int
}

// Figures returns what the lists say that this process serves, in no order. It does not query the
// database; a list that is new is read once.
func (s *CRLs) Figures() []CRLFigures {
	var all []CRLFigures
	now := s.Clock.now()
	for _, l := range s.Lists.all() {
		crl := l.current.Load()
		if crl == nil {
			continue
		}
		f := CRLFigures{
			CAID: crl.CAID, ThisUpdate: crl.ThisUpdate, NextUpdate: crl.NextUpdate, Stale: l.stale.Load() != nil,
			Overdue: ca.CRLDue(crl.ThisUpdate, crl.NextUpdate, now.Add(-overdueAfter)),
		}
		f.Number, f.Entries = l.figures(crl)
		all = append(all, f)
	}
	return all
}

// figures reads number and entries of the list that is served, or takes what was read before.
func (l *list) figures(crl *SignedCRL) (*big.Int, int) {
	known := l.counted.Load()
	if known == nil || known.of != crl {
		known = &countedCRL{of: crl}
		known.number, known.entries = ca.CountCRL(crl.DER)
		l.counted.Store(known)
	}
	return known.number, known.entries
}
