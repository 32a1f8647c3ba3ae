package main

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type campaignCommands struct {
	List      campaignList   `cmd:"" help:"List the campaigns of an instance."`
	Show      campaignShow   `cmd:"" help:"Show the campaign that runs, or another one, with how far it is."`
	Sites     campaignSites  `cmd:"" help:"List the sites of an instance with the state of their profiles."`
	Links     campaignLinks  `cmd:"" help:"Make links by which sites get new profiles, and print them."`
	RotateKey campaignRotate `cmd:"" name:"rotate-key" help:"Make another key of the control channel, which begins a campaign."`
	End       campaignEnd    `cmd:"" help:"End the campaign that runs: what was before does not hold any more."`
}

type campaignList struct {
	app.StorageConfig
	form
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run lists the campaigns.
func (c *campaignList) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "campaign list", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			page := func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.CampaignProgress], error) {
				return s.Campaigns.Page(ctx, i.ID, req)
			}
			return list(ctx, c.form, page, campaignRecordOf)
		})
}

type campaignShow struct {
	app.StorageConfig
	form
	Instance string `arg:"" help:"Name or id of the instance."`
	Campaign int64  `arg:"" optional:"" help:"Id of the campaign; without it, the one that runs."`
}

// Run shows a campaign.
func (c *campaignShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "campaign show", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			id, err := campaignID(i, c.Campaign)
			if err != nil {
				return err
			}
			found, err := s.Campaigns.Get(ctx, i.ID, id)
			if err != nil {
				return err
			}
			return show(c.form, campaignRecordOf(found))
		})
}

// campaignID is the id that is asked for, or that of the campaign that runs.
func campaignID(i domain.Instance, asked int64) (int64, error) {
	if asked == 0 && i.CampaignID == 0 {
		return 0, notFound("no campaign runs at the instance %q", i.Name)
	}
	if asked == 0 {
		return i.CampaignID, nil
	}
	return asked, nil
}

type campaignSites struct {
	app.StorageConfig
	form
	State    domain.ProfileState `enum:",current,stale,linked,never" default:"" placeholder:"STATE" help:"Only the sites of this state: current, stale, linked or never."`
	Instance string              `arg:"" help:"Name or id of the instance."`
}

// Run lists the sites.
func (c *campaignSites) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "campaign sites", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			page := func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.SiteProfile], error) {
				return s.Campaigns.Sites(ctx, i.ID, c.State, req)
			}
			return list(ctx, c.form, page, siteProfileRecordOf)
		})
}

type campaignRotate struct {
	app.StorageConfig
	confirmation
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run makes another key.
func (c *campaignRotate) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "campaign rotate-key", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			if err := c.confirm(ctx, "Make another key of the control channel of %s?", instanceKind(s).call(i)); err != nil {
				return err
			}
			_, err := s.Instances.RotateControlKey(ctx, i.ID)
			return err
		})
}

type campaignEnd struct {
	app.StorageConfig
	form
	confirmation
	Force    bool   `help:"Also while sites have earlier profiles, which may be cut off."`
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run ends the campaign and shows it.
func (c *campaignEnd) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "campaign end", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			id, err := campaignID(i, 0)
			if err != nil {
				return err
			}
			if err := c.confirm(ctx, "End the campaign of %s?", instanceKind(s).call(i)); err != nil {
				return err
			}
			ended, err := s.Campaigns.End(ctx, i.ID, id, c.Force)
			if err != nil {
				return err
			}
			return show(c.form, campaignRecordOf(ended))
		})
}
