package tunnel

import (
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// checkMove refuses a certificate of another CA for the server of an instance, unless that CA takes
// the place of the present one, or the other way round: sites trust both. A profile that is stale
// may be of the time before, so there must be none.
func (s *Instances) checkMove(ctx context.Context, store domain.Store, i domain.Instance, caID int64) error {
	if caID == i.CAID {
		return nil
	}
	line, err := lineOf(ctx, store, i.CAID)
	if err != nil {
		return err
	}
	if !slices.Contains(line, caID) {
		return domain.Fault(domain.Rule, "ca_id", domain.ReasonNoSuccessor)
	}
	counts, err := store.ClientConfigs().Progress(ctx, i.ID, s.Now())
	if err == nil && counts.Behind() > 0 {
		err = domain.Fault(domain.Rule, "ca_id", domain.ReasonMoveStale, counts.Behind())
	}
	return err
}

// lineOf returns a CA with those that take its place, and those whose place it takes.
func lineOf(ctx context.Context, store domain.Store, id int64) (line []int64, err error) {
	for next := []int64{id}; len(next) > 0; next = next[1:] {
		if next[0] == 0 || slices.Contains(line, next[0]) {
			continue
		}
		authority, err := store.CAs().Get(ctx, next[0])
		if err != nil {
			return nil, err
		}
		line = append(line, authority.ID)
		next = append(next, authority.SuccessorID, authority.PredecessorID)
	}
	return line, nil
}
