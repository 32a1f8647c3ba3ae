package main

import (
	"context"
	"errors"
	"os"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type plan struct {
	app.StorageConfig
	form
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run prints the plan: the networks by their ids, and then what is free of the tunnel networks.
func (c *plan) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "plan", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			p := newPrinter[planRecord](os.Stdout, c.form)
			tunnels, err := s.Plans.Each(ctx, i.ID, func(n domain.OwnedNetwork) error { return p.add(planRecordOf(n)) })
			for _, tunnel := range tunnels {
				for _, free := range tunnel.Free {
					err = errors.Join(err, p.add(freeRecord(tunnel.Network, free)))
				}
			}
			return finished(p, err)
		})
}
