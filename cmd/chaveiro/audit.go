package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type auditCommands struct {
	List       auditList       `cmd:"" help:"List the events of the audit."`
	Verify     auditVerify     `cmd:"" help:"Check that no event of the audit was removed or altered; fails when one was, unless that loss was accepted."`
	Checkpoint auditCheckpoint `cmd:"" help:"Sign the present end of the audit and print the checkpoint; keep it elsewhere for verify --expect."`
	Accept     auditAccept     `cmd:"" help:"Print what is missing from the audit; with --loss, accept exactly that loss and continue signing after it."`
	Prune      auditPrune      `cmd:"" help:"Remove old events and leave a signed checkpoint in their place."`
}

type auditVerify struct {
	app.StorageConfig
	Expect string `placeholder:"FILE|HASH" help:"Fail also when the database lacks this checkpoint: its hash, a file that contains it, or the log of a server."`
}

var errAudit = errors.New("the audit is not whole")

// Run checks the audit.
func (c *auditVerify) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "audit verify", func(ctx context.Context, s *service.Services) error {
		expected, err := c.expected()
		if err != nil {
			return err
		}
		report, err := s.Audit.Verify(ctx, expected...)
		if err != nil {
			return err
		}
		if report.Remains > 0 {
			fmt.Printf(
				"%d events are from before the last prune: it was interrupted, or somebody has added them; the next prune removes them\n", report.Remains,
			)
		}
		for _, loss := range report.Accepted {
			fmt.Printf(
				"accepted as lost at %s (%d problems, %s, checkpoint %d): %s\n", loss.At.Format(time.RFC3339),
				loss.Count, loss.Hash, loss.Number, loss.Reason,
			)
		}
		for _, problem := range report.Problems {
			fmt.Println(problem)
		}
		fmt.Printf("%d events, %d checkpoints, %d problems\n", report.Events, report.Checkpoints, len(report.Problems))
		if err := verifyArchive(ctx, s); err != nil || report.Whole() {
			return err
		}
		return errAudit
	})
}

var errArchive = errors.New("the archive is not as the audit says")

// verifyArchive compares the archive with the audit. It says nothing of an archive that is empty.
func verifyArchive(ctx context.Context, s *service.Services) error {
	check, err := s.Archive.Verify(ctx)
	if err != nil {
		return err
	}
	for _, problem := range check.Problems {
		fmt.Println(problem)
	}
	if check.Certificates+check.Uncovered > 0 || len(check.Problems) > 0 {
		fmt.Printf(
			"%d certificates in the archive, %d of which no event has a digest, %d problems\n",
			check.Certificates+check.Uncovered, check.Uncovered, len(check.Problems),
		)
	}
	if len(check.Problems) > 0 {
		return errArchive
	}
	return nil
}

// expected reads what --expect names.
func (c *auditVerify) expected() ([]audit.ExpectedCheckpoint, error) {
	if c.Expect == "" {
		return nil, nil
	}
	if list, err := audit.ParseExpected(strings.NewReader(c.Expect)); err == nil {
		return list, nil
	}
	file, err := os.Open(c.Expect)
	if err != nil {
		return nil, fmt.Errorf("--expect: %w", err)
	}
	defer file.Close()
	list, err := audit.ParseExpected(file)
	if err != nil {
		err = fmt.Errorf("--expect %s: %w", c.Expect, err)
	}
	return list, err
}

type auditCheckpoint struct{ app.StorageConfig }

// Run signs a checkpoint and prints it in the form of the log line.
func (c *auditCheckpoint) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "audit checkpoint", func(ctx context.Context, s *service.Services) error {
		signed, err := s.Audit.CheckpointNow(ctx)
		if err != nil {
			return err
		}
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).
			LogAttrs(ctx, slog.LevelInfo, audit.CheckpointMessage, audit.CheckpointAttrs(signed)...)
		return nil
	})
}

type auditPrune struct {
	app.StorageConfig
	confirmation
	Keep time.Duration `required:"" least:"0s" help:"Age up to which events are kept, for example 365d; with 0 none."`
}

// Run removes old events.
func (c *auditPrune) Run(ctx context.Context) error {
	before := app.Now().Add(-c.Keep)
	return commandLogging(ctx, c.StorageConfig, "audit prune", slog.LevelInfo,
		func(ctx context.Context, s *service.Services) error {
			if err := c.confirm(ctx, "Remove all events from before %s?", moment(before)); err != nil {
				return err
			}
			removed, err := s.Audit.Prune(ctx, before)
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
	app.StorageConfig
	Revoke bool `help:"End all access tokens and sessions at once: apikeys get new access tokens by themselves, users sign in again."`
}

// Run rotates the signing keys.
func (c *signingKeyRotate) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "signing-key rotate", func(ctx context.Context, s *service.Services) error {
		return s.Signing.Rotate(ctx, c.Revoke)
	})
}
