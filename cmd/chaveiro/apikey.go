package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type apikey struct {
	Create apikeyCreate `cmd:"" help:"Create an apikey and print only its token."`
	List   apikeyList   `cmd:"" help:"List the apikeys, without their tokens."`
	Rotate apikeyRotate `cmd:"" help:"Give an apikey a new token and print only that token."`
	Revoke apikeyRevoke `cmd:"" help:"Delete an apikey: its tokens stop working everywhere within a second."`
}

type apikeyCreate struct {
	app.StorageConfig
	Name        string   `required:"" help:"Name of the apikey."`
	Description string   `help:"What it is for."`
	Superuser   bool     `help:"It may do everything."`
	Role        []int64  `help:"Id of a role that it has; may be repeated."`
	AllowedIP   []string `name:"allowed-ip" help:"Address or network (CIDR) from which it may be used; may be repeated."`
}

// Run creates the apikey.
func (c *apikeyCreate) Run(ctx context.Context) error {
	addresses, err := domain.ParseAllowedIPs(c.AllowedIP)
	if err != nil {
		return plain(err)
	}
	return command(ctx, c.StorageConfig, "apikey create", func(ctx context.Context, s *service.Services) error {
		key := domain.APIKey{
			Name: c.Name, Description: c.Description, Superuser: c.Superuser, Enabled: true, AllowedIPs: addresses,
		}
		issued, err := s.APIKeys.Create(ctx, key, c.Role)
		if err == nil {
			fmt.Println(string(issued.Token))
		}
		return err
	})
}

type apikeyList struct{ app.StorageConfig }

// Run lists the apikeys.
func (c *apikeyList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "apikey list", func(ctx context.Context, s *service.Services) error {
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "ID\tNAME\tSUPERUSER\tENABLED\tEXPIRES\tLAST USED\tFROM")
		for cursor := int64(0); ; {
			page, err := s.APIKeys.Page(ctx, domain.PageRequest{Cursor: cursor, Size: 100})
			if err != nil {
				return err
			}
			for _, key := range page.Items {
				fmt.Fprintf(out, "%d\t%s\t%t\t%t\t%s\t%s\t%s\n", key.ID, key.Name, key.Superuser, key.Enabled,
					moment(key.ExpiresAt), moment(key.LastUsedAt), key.LastUsedIP)
			}
			if page.Next == nil {
				return out.Flush()
			}
			cursor = *page.Next
		}
	})
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

type apikeyRotate struct {
	app.StorageConfig
	ID      int64         `arg:"" help:"Id of the apikey."`
	Overlap time.Duration `default:"1h" help:"How long the previous token still works; 0 ends it at once."`
}

// Run rotates the apikey.
func (c *apikeyRotate) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "apikey rotate", func(ctx context.Context, s *service.Services) error {
		issued, err := s.APIKeys.Rotate(ctx, c.ID, c.Overlap)
		if err == nil {
			fmt.Println(string(issued.Token))
		}
		return err
	})
}

type apikeyRevoke struct {
	app.StorageConfig
	ID int64 `arg:"" help:"Id of the apikey."`
}

// Run deletes the apikey.
func (c *apikeyRevoke) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "apikey revoke", func(ctx context.Context, s *service.Services) error {
		return s.APIKeys.Delete(ctx, c.ID)
	})
}

// command runs a use case on the storage.
func command(
	ctx context.Context, storage app.StorageConfig, name string, do func(context.Context, *service.Services) error,
) error {
	return commandLogging(ctx, storage, name, slog.LevelWarn, do)
}

func commandLogging(
	ctx context.Context, storage app.StorageConfig, name string, level slog.Level,
	do func(context.Context, *service.Services) error,
) error {
	storage.MasterKey = masterKey()
	return plain(app.Command(ctx, storage, "chaveiro "+name, logger(level), do))
}
