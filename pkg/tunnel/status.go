package tunnel

import (
	"context"
	"math/big"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Status is what is known of a running server.
type Status struct {
	Agent    domain.Agent
	At       time.Time // when this was read
	Sessions int       // open ones, as they were last confirmed
	Tag      string    // of the present state; Agent.Tag is of the one that is in place
	Lists    []ListStatus
}

// ListStatus is the revocation list of a CA: the last one, and the one that is in place.
type ListStatus struct {
	CAID    int64
	CA      string
	Number  *big.Int // of the last one; 0: there is none
	InPlace *big.Int // nil: not known
}

// Behind reports whether a later list is not in place.
func (l ListStatus) Behind() bool { return l.InPlace == nil || l.InPlace.Cmp(l.Number) < 0 }

// Status returns what is known of a server. Errors: *domain.Error with Missing.
func (s *Sessions) Status(ctx context.Context, id int64) (Status, error) {
	status := Status{At: s.Now()}
	point, err := s.Instances.agentPoint(ctx, id)
	if err != nil {
		return status, err
	}
	status.Tag = point.tag()
	if status.Agent, err = s.Store.Agents().Get(ctx, id); err != nil {
		return status, err
	}
	if status.Sessions, err = s.Store.TunnelSessions().Count(ctx, id); err != nil {
		return status, err
	}
	numbers, err := s.Instances.CRLs.Numbers(ctx, point.mark.CAID)
	for _, one := range numbers {
		list := ListStatus{CAID: one.CAID, CA: one.Name, Number: one.Number}
		for _, in := range status.Agent.Lists {
			if number, ok := new(big.Int).SetString(in.Number, 10); ok && in.Issuer == one.Issuer {
				list.InPlace = number
			}
		}
		status.Lists = append(status.Lists, list)
	}
	return status, err
}
