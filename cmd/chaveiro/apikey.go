package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type apikey struct {
	Create  apikeyCreate  `cmd:"" help:"Create an apikey and print only its token. The first one makes the SQLite database."`
	List    apikeyList    `cmd:"" help:"List the apikeys, without their tokens."`
	Show    apikeyShow    `cmd:"" help:"Show an apikey, without its token."`
	Update  apikeyUpdate  `cmd:"" help:"Change an apikey, and show it without its token."`
	Rotate  apikeyRotate  `cmd:"" help:"Give an apikey a new token and print only that token."`
	Disable apikeyDisable `cmd:"" help:"Disable an apikey: its tokens stop working until it is enabled."`
	Enable  apikeyEnable  `cmd:"" help:"Enable an apikey."`
	Revoke  apikeyRevoke  `cmd:"" aliases:"delete" help:"Delete an apikey: its tokens stop working everywhere within a second."`
}

type apikeyCreate struct {
	app.StorageConfig
	Name        string   `required:"" help:"Name of the apikey."`
	Description string   `help:"What it is for."`
	Superuser   bool     `help:"It may do everything."`
	Role        []string `sep:"none" help:"Name or id of a role that it has; may be repeated."`
	AllowedIP   []string `name:"allowed-ip" help:"Address or network (CIDR) from which it may be used; may be repeated."`
	RateLimit   int      `placeholder:"N" least:"0" help:"Requests a minute that it may make (default: no limit, as 0)."`
	Instance    []int64  `placeholder:"ID" help:"Instance whose agent has it: it may do nothing but what that needs; may be repeated."`
	Expires     end      `placeholder:"DURATION|DATE" help:"When it ends: after 90d, 12h, 2w or P30D, or at a date as 2027-01-31 (default: never)."`
}

// Run creates the apikey.
func (c *apikeyCreate) Run(ctx context.Context) error {
	addresses, err := domain.ParseAllowedIPs(c.AllowedIP)
	if err != nil {
		return plain(err)
	}
	key := domain.APIKey{
		Name: domain.CleanName(c.Name), Description: c.Description, Superuser: c.Superuser, Enabled: true,
		AllowedIPs: addresses, RateLimit: c.RateLimit, ExpiresAt: c.Expires.time(app.Now()), Instances: c.Instance,
	}
	if err := key.Validate(); err != nil { // before a database is made
		return plain(err)
	}
	config := app.Config{StorageConfig: c.StorageConfig}
	config.MasterKey = masterKey()
	run := app.FirstCommand
	if len(c.Role) > 0 { // a new database has no roles
		run = app.Command
	}
	return plain(run(ctx, config, "chaveiro apikey create", logger(slog.LevelWarn),
		func(ctx context.Context, s *service.Services) error {
			roles, err := roleIDs(ctx, s, c.Role)
			if err != nil {
				return err
			}
			issued, err := s.APIKeys.Create(ctx, key, roles)
			return printToken(issued.Token, err)
		}))
}

func printToken(token domain.Secret, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(token))
	return err
}

type apikeyList struct {
	app.StorageConfig
	form
}

// Run lists the apikeys.
func (c *apikeyList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "apikey list", func(ctx context.Context, s *service.Services) error {
		page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.APIKey], error) {
			return apikeyPage(ctx, s, request)
		}
		return list(ctx, c.form, page, apikeyRecordOf)
	})
}

type apikeyShow struct {
	app.StorageConfig
	form
	Apikey string `arg:"" help:"Name or id of the apikey."`
}

// Run shows an apikey.
func (c *apikeyShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "apikey show", apikeyKind, c.Apikey,
		func(_ context.Context, _ *service.Services, key domain.APIKey) error {
			return show(c.form, apikeyRecordOf(key))
		})
}

type apikeyRotate struct {
	app.StorageConfig
	Apikey  string        `arg:"" help:"Name or id of the apikey."`
	Overlap time.Duration `default:"1h" least:"0s" help:"How long the previous token still works; 0 ends it at once."`
}

// Run rotates the apikey.
func (c *apikeyRotate) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "apikey rotate", apikeyKind, c.Apikey,
		func(ctx context.Context, s *service.Services, key domain.APIKey) error {
			issued, err := s.APIKeys.Rotate(ctx, key.ID, c.Overlap)
			return printToken(issued.Token, err)
		})
}

type apikeyDisable struct {
	app.StorageConfig
	Apikey string `arg:"" help:"Name or id of the apikey."`
}

// Run disables the apikey.
func (c *apikeyDisable) Run(ctx context.Context) error {
	return setAPIKeyEnabled(ctx, c.StorageConfig, "apikey disable", c.Apikey, false)
}

type apikeyEnable struct {
	app.StorageConfig
	Apikey string `arg:"" help:"Name or id of the apikey."`
}

// Run enables the apikey.
func (c *apikeyEnable) Run(ctx context.Context) error {
	return setAPIKeyEnabled(ctx, c.StorageConfig, "apikey enable", c.Apikey, true)
}

func setAPIKeyEnabled(ctx context.Context, storage app.StorageConfig, name, argument string, enabled bool) error {
	return on(ctx, storage, name, apikeyKind, argument,
		func(ctx context.Context, s *service.Services, key domain.APIKey) error {
			_, err := s.APIKeys.Update(ctx, key.ID, domain.APIKeyUpdate{Enabled: &enabled})
			return err
		})
}

type apikeyRevoke struct {
	app.StorageConfig
	confirmation
	Apikey string `arg:"" help:"Name or id of the apikey."`
}

// Run deletes the apikey.
func (c *apikeyRevoke) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "apikey revoke", apikeyKind, c.Apikey,
		func(ctx context.Context, s *service.Services, key domain.APIKey) error {
			if err := c.confirm(ctx, "Delete %s? Its tokens stop working.", apikeyKind(s).call(key)); err != nil {
				return err
			}
			return s.APIKeys.Delete(ctx, key.ID)
		})
}
