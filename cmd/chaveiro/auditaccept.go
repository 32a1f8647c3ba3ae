package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type auditAccept struct {
	app.StorageConfig
	Loss   string `placeholder:"HASH" help:"Accept the loss with this hash; without this flag the command prints the loss and its hash."`
	Reason string `help:"Why the loss is accepted; the audit keeps the reason."`
}

var errLossHash = errors.New("--loss has to be 64 hexadecimal digits, as `chaveiro audit accept` prints them")

// Run prints the loss, or accepts it.
func (c *auditAccept) Run(ctx context.Context) error {
	if c.Loss == "" {
		return command(ctx, c.StorageConfig, "audit accept", printLoss)
	}
	hash, err := hex.DecodeString(c.Loss)
	if err != nil || len(hash) != 32 {
		return errLossHash
	}
	return commandLogging(ctx, c.StorageConfig, "audit accept", slog.LevelInfo,
		func(ctx context.Context, s *service.Services) error {
			signed, err := s.Audit.Accept(ctx, [32]byte(hash), c.Reason)
			if err == nil {
				fmt.Printf("accepted: checkpoint %d is signed over it\n", signed.Number)
			}
			return err
		})
}

func printLoss(ctx context.Context, s *service.Services) error {
	loss, err := s.Audit.FindLoss(ctx)
	if err != nil {
		return err
	}
	if loss.Empty() {
		fmt.Println("nothing is missing that was not accepted")
		return nil
	}
	for _, line := range append(loss.Problems, loss.Ends...) {
		fmt.Println(line)
	}
	fmt.Printf("nothing has changed. To accept all of that: chaveiro audit accept --loss %x --reason TEXT\n", loss.Hash)
	return nil
}
