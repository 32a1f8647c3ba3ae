package tunnel

import (
	"context"
	"fmt"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// state is an instance with the keys of its control channel, and with the campaign that runs, all
// as they were at one time.
type state struct {
	domain.Instance
	campaign     *domain.Campaign // nil: none runs
	key, earlier []byte           // nil: none
}

// stateOf reads the state of an instance. A change in between is noticed, and everything is read
// again: half of it would give a server the key that its sites do not have yet.
func stateOf(ctx context.Context, store domain.Store, sealed *seal.Keyring, id int64) (s state, err error) {
	for {
		if s.Instance, err = store.Instances().Get(ctx, id); err != nil {
			return s, err
		}
		if s.campaign, err = runningAt(ctx, store, s.Instance); err != nil {
			return s, err
		}
		keys, err := store.Instances().Keys(ctx, id)
		if err != nil {
			return s, err
		}
		if keys.Version == s.Version && keys.CampaignID == s.CampaignID {
			return s, s.open(sealed, keys)
		}
	}
}

// runningAt returns the campaign that runs at an instance; nil: none.
func runningAt(ctx context.Context, store domain.Store, i domain.Instance) (*domain.Campaign, error) {
	if i.CampaignID == 0 {
		return nil, nil
	}
	found, err := store.Campaigns().Get(ctx, i.CampaignID)
	return &found, err
}

func (s *state) open(sealed *seal.Keyring, keys domain.InstanceKeys) (err error) {
	if s.Control != domain.NoControl && keys.Control == nil {
		return domain.Fault(domain.Missing, "id", domain.ReasonNoKey)
	}
	for text, key := range map[*[]byte][]byte{&s.key: keys.Control, &s.earlier: keys.Earlier} {
		if key == nil {
			continue
		}
		if *text, err = sealed.Open(key, controlContext(s.ID)); err != nil {
			return fmt.Errorf("control key of instance %d: %w", s.ID, err)
		}
	}
	return nil
}

// rekeys reports whether a campaign brings the sites another key of the control channel.
func (s *state) rekeys() bool { return s.campaign != nil && s.campaign.Rekeys() }

// takesBoth reports whether the server takes both keys while the campaign runs.
func (s *state) takesBoth() bool { return s.rekeys() && s.campaign.TakesBoth(s.Control) }

// reachable is the instance with all remotes at which sites come to it.
func (s *state) reachable() domain.Instance {
	i := s.Instance
	if s.campaign != nil {
		i.Remotes = slices.Concat(i.Remotes, s.campaign.Earlier(i))
	}
	return i
}

// served is the state as the server is to run it. A server that can't take both keys keeps the
// earlier one until the campaign ends: until then all sites have that, and some the later one, too.
func (s *state) served() state {
	now := *s
	if s.rekeys() && !s.takesBoth() {
		now.Control, now.key = s.campaign.Before.Control, s.earlier
	}
	return now
}
