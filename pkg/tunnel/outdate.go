package tunnel

import (
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
)

// outdate raises the version of an instance that changes from before to i: the profiles of its
// sites become stale. Where a site in force has one, a campaign begins, or the one that runs goes
// on; otherwise the change holds at once. rekeyed asks for another key of the control channel. The
// instance is locked, so of all replicas one begins a campaign.
func (s *Instances) outdate(
	ctx context.Context, tx domain.Store, before domain.Instance, i *domain.Instance, rekeyed bool,
) error {
	i.Version++
	campaign, err := runningAt(ctx, tx, before)
	if err != nil {
		return err
	}
	if campaign == nil {
		counts, err := tx.ClientConfigs().Progress(ctx, i.ID, s.Now())
		if err != nil {
			return err
		}
		if counts.Never == counts.Sites() {
			return s.rekey(ctx, tx, *i, rekeyed, false)
		}
		begun := domain.BeginCampaign(before, s.Now())
		campaign = &begun
	}
	if rekeyed && campaign.Rekeys() {
		return domain.Fault(domain.Rule, "control_channel", domain.ReasonCampaignKey)
	}
	campaign.Extend(before, *i, rekeyed)
	if campaign.ID == 0 {
		err = tx.Campaigns().Create(ctx, campaign)
	} else {
		err = tx.Campaigns().Update(ctx, *campaign)
	}
	if err != nil {
		return err
	}
	i.CampaignID = campaign.ID
	return s.rekey(ctx, tx, *i, rekeyed, true)
}

// rekey makes another key of the control channel, if it is asked for. With keep the one before
// stays beside it.
func (s *Instances) rekey(ctx context.Context, tx domain.Store, i domain.Instance, asked, keep bool) error {
	if !asked {
		return nil
	}
	var earlier []byte
	if keep {
		keys, err := tx.Instances().Keys(ctx, i.ID)
		if err != nil {
			return err
		}
		earlier = keys.Control
	}
	return s.setControl(ctx, tx, i.ID, newControlKey(i.Control), earlier)
}

// outdateRoutes marks the profiles that have the routes to what is behind the server, because the
// router takes none of what the server pushes: those for RouterOS.
func outdateRoutes(ctx context.Context, tx domain.Store, before, after domain.Instance) error {
	if slices.Equal(before.PushRoutes, after.PushRoutes) && before.DNSServer == after.DNSServer {
		return nil
	}
	return tx.ClientConfigs().Outdate(ctx, after.ID, string(kits.RouterOS))
}

// RotateControlKey makes another key of the control channel, of the same protection. Errors:
// *domain.Error with Rule on control_channel for an instance without protection, and while a
// campaign changes the key already.
func (s *Instances) RotateControlKey(ctx context.Context, id int64) (domain.Instance, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (record domain.Instance, err error) {
		err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
			before, err := tx.Instances().Lock(ctx, id)
			if err != nil {
				return none, err
			}
			if before.Control == domain.NoControl {
				return none, domain.Fault(domain.Rule, "control_channel", domain.ReasonNoControlKey)
			}
			record = before
			record.UpdatedAt = s.Now()
			if err := s.outdate(ctx, tx, before, &record, true); err != nil {
				return none, err
			}
			if err := tx.Instances().Update(ctx, record); err != nil {
				return none, err
			}
			done := instances.Changed(domain.ActionRotate, before, record)
			if domain.OriginOf(ctx).DryRun && before.CampaignID == 0 && record.CampaignID != 0 {
				done.After["campaign_id"] = nil
			}
			return done, nil
		})
		return record, err
	})
}
