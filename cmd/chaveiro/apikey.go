package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type apikey struct {
	Create apikeyCreate `cmd:"" help:"Create an apikey and print its token, and nothing else."`
}

type apikeyCreate struct {
	app.Storage
	Name      string `required:"" help:"Name of the apikey."`
	Superuser bool   `help:"It may do everything; without it, nothing yet."`
}

// Run creates the apikey.
func (c *apikeyCreate) Run(ctx context.Context) error {
	c.MasterKey = masterKey()
	vault, err := app.OpenVault(ctx, c.Storage, false, logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	access := &service.Access{Store: vault.Store, Tokens: vault.Tokens, Now: app.Now, Log: logger(slog.LevelWarn)}
	_, token, err := access.CreateAPIKey(ctx, c.Name, c.Superuser)
	if err == nil {
		fmt.Println(string(token))
	}
	return errors.Join(err, vault.Store.Close())
}
