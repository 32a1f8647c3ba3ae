package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type audit struct {
	Verify auditVerify `cmd:"" help:"Check that no event of the audit was removed or altered; fails when one was."`
	Prune  auditPrune  `cmd:"" help:"Remove old events and leave a signed checkpoint in their place."`
}

type auditVerify struct{ app.Storage }

var errAudit = errors.New("the audit is not whole")

// Run checks the audit.
func (c *auditVerify) Run(ctx context.Context) error {
	return command(ctx, c.Storage, "audit verify", func(ctx context.Context, s *service.Services) error {
		report, err := s.Audit.Verify(ctx)
		if err != nil {
			return err
		}
		for _, problem := range report.Problems {
			fmt.Println(problem)
		}
		fmt.Printf("%d events, %d checkpoints, %d problems\n", report.Events, report.Checkpoints, len(report.Problems))
		if len(report.Problems) > 0 {
			return errAudit
		}
		return nil
	})
}

type auditPrune struct {
	app.Storage
	Keep time.Duration `required:"" help:"How old the events are that stay, as 8760h."`
}

// Run removes old events.
func (c *auditPrune) Run(ctx context.Context) error {
	if c.Keep < 0 {
		return errors.New("--keep is negative")
	}
	return command(ctx, c.Storage, "audit prune", func(ctx context.Context, s *service.Services) error {
		removed, err := s.Audit.Prune(ctx, app.Now().Add(-c.Keep))
		if err == nil || removed > 0 {
			fmt.Printf("%d events removed\n", removed)
		}
		return err
	})
}

type signingKey struct {
	Rotate signingKeyRotate `cmd:"" help:"Make a new key for access tokens and sessions; those signed before stay valid until they expire."`
}

type signingKeyRotate struct {
	app.Storage
	Revoke bool `help:"End all access tokens and sessions at once: apikeys get new access tokens by themselves, users sign in again."`
}

// Run rotates the signing keys.
func (c *signingKeyRotate) Run(ctx context.Context) error {
	return command(ctx, c.Storage, "signing-key rotate", func(ctx context.Context, s *service.Services) error {
		return s.Signing.Rotate(ctx, c.Revoke)
	})
}
