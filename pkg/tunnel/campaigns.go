package tunnel

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Campaigns are the use cases of the times in which sites go over to new profiles.
type Campaigns struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Scans    *turns.Turns
	Now      func() time.Time
}

// campaigns describes campaigns to the audit and the log.
var campaigns = audit.Resource[domain.Campaign]{
	Scope: domain.ResourceCampaigns,
	Facts: func(c domain.Campaign) audit.Facts {
		remotes := make([]string, len(c.Before.Remotes))
		for k, r := range c.Before.Remotes {
			remotes[k] = r.String()
		}
		return audit.Facts{
			"instance_id": c.InstanceID, "from_version": c.FromVersion, "version": c.Version, "changes": c.Changes,
			"remotes": remotes, "port": c.Before.Port, "proto": string(c.Before.Proto),
			"control_channel": string(c.Before.Control), "started_at": audit.Moment(c.StartedAt),
			"ended_at": audit.Moment(c.EndedAt), "forced": c.Forced, "current": c.Final.Current,
			"stale": c.Final.Stale, "linked": c.Final.Linked, "never": c.Final.Never,
		}
	},
	Name: func(c domain.Campaign) (int64, string) { return c.ID, "" },
}

// Page lists the campaigns of an instance. Errors: *domain.Error with Missing.
func (s *Campaigns) Page(
	ctx context.Context, instanceID int64, req domain.PageRequest,
) (page domain.Page[domain.CampaignProgress], err error) {
	if _, err := s.Store.Instances().Get(ctx, instanceID); err != nil {
		return page, err
	}
	found, err := s.Store.Campaigns().Page(ctx, instanceID, req)
	page = domain.Page[domain.CampaignProgress]{
		Items: make([]domain.CampaignProgress, len(found.Items)), Current: found.Current, Next: found.Next,
		Previous: found.Previous,
	}
	for k, one := range found.Items {
		if err != nil {
			break
		}
		page.Items[k], err = s.progress(ctx, s.Store, one)
	}
	return page, err
}

// Get returns one campaign of an instance. Errors: *domain.Error with Missing.
func (s *Campaigns) Get(ctx context.Context, instanceID, id int64) (domain.CampaignProgress, error) {
	found, err := campaignOf(ctx, s.Store, instanceID, id)
	if err != nil {
		return domain.CampaignProgress{}, err
	}
	return s.progress(ctx, s.Store, found)
}

func campaignOf(ctx context.Context, store domain.Store, instanceID, id int64) (domain.Campaign, error) {
	found, err := store.Campaigns().Get(ctx, id)
	if err == nil && found.InstanceID != instanceID {
		err = domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	return found, err
}

func (s *Campaigns) progress(
	ctx context.Context, store domain.Store, c domain.Campaign,
) (of domain.CampaignProgress, err error) {
	of = domain.CampaignProgress{Campaign: c, Progress: c.Final}
	if c.Running() {
		of.Progress, err = store.ClientConfigs().Progress(ctx, c.InstanceID, s.Now())
	}
	return of, err
}

// Sites lists the sites of an instance that are in force, with the state of their profiles; only
// those of one state, unless it is empty. Errors: *domain.Error with Missing.
func (s *Campaigns) Sites(
	ctx context.Context, instanceID int64, only domain.ProfileState, req domain.PageRequest,
) (page domain.Page[domain.SiteProfile], err error) {
	i, err := s.Store.Instances().Get(ctx, instanceID)
	if err != nil {
		return page, err
	}
	campaign, err := runningAt(ctx, s.Store, i)
	if err != nil {
		return page, err
	}
	filter := domain.SiteProfileFilter{InstanceID: instanceID, State: only, At: s.Now()}
	page, err = turns.Search(ctx, s.Scans, only != "",
		func(ctx context.Context) (domain.Page[domain.SiteProfile], error) {
			return s.Store.ClientConfigs().Profiles(ctx, filter, req)
		})
	for k := range page.Items {
		page.Items[k].Overlaps = overlaps(i, campaign, page.Items[k].Format)
	}
	return page, err
}

// overlaps reports whether a profile of a format works before the campaign ends and after it.
func overlaps(i domain.Instance, c *domain.Campaign, format string) *bool {
	if c == nil || format == "" {
		return nil
	}
	rekeyed := c.Rekeys() && !c.TakesBoth(i.Control)
	can := kits.Overlaps(kits.Format(format), kitRemotes(i.Resolved()), kitRemotes(c.Earlier(i)), rekeyed)
	return &can
}

func kitRemotes(list []domain.Remote) []kits.Remote {
	remotes := make([]kits.Remote, len(list))
	for k, r := range list {
		remotes[k] = kits.Remote{Host: r.Host, Port: r.Port, Proto: kits.Proto(r.Proto)}
	}
	return remotes
}

// End ends a campaign: the next bundle of the server has the later key of the control channel
// alone, and the next profiles have nothing that is earlier. Sites with an earlier profile may be
// cut off, so it is refused while there are some, unless force. Ending it again changes nothing.
//
// Errors: *domain.Error with Missing; with Rule on id with ReasonCampaignStale.
func (s *Campaigns) End(ctx context.Context, instanceID, id int64, force bool) (domain.CampaignProgress, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (ended domain.CampaignProgress, err error) {
		err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
			i, err := tx.Instances().Lock(ctx, instanceID)
			if err != nil {
				return none, err
			}
			before, err := campaignOf(ctx, tx, instanceID, id)
			if err != nil {
				return none, err
			}
			ended, err = s.progress(ctx, tx, before)
			if err != nil || !before.Running() {
				return none, err
			}
			if behind := ended.Progress.Behind(); behind > 0 && !force {
				return none, domain.Fault(domain.Rule, "id", domain.ReasonCampaignStale, behind)
			}
			if err := s.end(ctx, tx, i, &ended); err != nil {
				return none, err
			}
			done := campaigns.Changed(domain.ActionUpdate, before, ended.Campaign)
			done.Result = ended
			return done, nil
		})
		return ended, err
	})
}

// end stores the end of a campaign, and takes the earlier key away.
func (s *Campaigns) end(ctx context.Context, tx domain.Store, i domain.Instance, c *domain.CampaignProgress) error {
	c.EndedAt, c.Final, c.Forced = s.Now(), c.Progress, c.Progress.Behind() > 0
	if err := tx.Campaigns().Update(ctx, c.Campaign); err != nil {
		return err
	}
	i.CampaignID, i.UpdatedAt = 0, c.EndedAt
	if err := tx.Instances().Update(ctx, i); err != nil {
		return err
	}
	keys, err := tx.Instances().Keys(ctx, i.ID)
	if err != nil {
		return err
	}
	keys.Earlier = nil
	return tx.Instances().SetKeys(ctx, i.ID, keys)
}
