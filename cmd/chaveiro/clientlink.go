package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type linkCommands struct {
	Create linkCreate `cmd:"" help:"Make a link by which the person at the site gets the profile once, and print it. It can't be read again."`
	List   linkList   `cmd:"" help:"List the links of a client, and what became of them."`
	Revoke linkRevoke `cmd:"" help:"Make a link worthless."`
}

type linkCreate struct {
	app.StorageConfig
	Instance    string         `required:"" placeholder:"INSTANCE" help:"Instance whose profile it gives: its name or id."`
	Format      string         `enum:",openvpn,connect,routeros,opnsense,pfsense,vyos,openwrt,p12-profile" default:"" placeholder:"NAME" help:"Format of the profile (default: the person at the site chooses): openvpn, connect, routeros, opnsense, pfsense, vyos, openwrt or p12-profile."`
	Expires     *time.Duration `placeholder:"DURATION" help:"How long it is good, up to 90d (default: 7d)."`
	PINStdin    bool           `name:"pin-stdin" xor:"pin" help:"Ask the person for the PIN in the first line of the standard input, of 4 to 32 characters."`
	AskPIN      bool           `name:"ask-pin" xor:"pin" help:"Ask the person for a PIN that is asked for at the terminal."`
	ExternalURL app.URL        `name:"external-url" env:"CHAVEIRO_EXTERNAL_URL" help:"URL under which sites reach the service, as https://vpn.example.com; without it only the path of the link is printed."`
	Client      string         `arg:"" help:"Name or id of the client."`
}

// Validate joins the faults of the settings.
func (c *linkCreate) Validate() error {
	return errors.Join(c.StorageConfig.Validate(), app.CheckExternalURL(c.ExternalURL))
}

// Run makes a link and prints it alone.
func (c *linkCreate) Run(ctx context.Context) error {
	return onSite(ctx, c.StorageConfig, "client link create", c.Client, c.Instance,
		func(ctx context.Context, s *service.Services, of site) error {
			pin, err := c.pin(ctx)
			if err != nil {
				return err
			}
			made, err := s.Enrolments.Create(ctx, domain.EnrolmentSpec{
				ClientID: of.client.ID, InstanceID: of.instance.ID, Format: c.Format, PIN: pin, Life: c.Expires,
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(os.Stdout, strings.TrimSuffix(string(c.ExternalURL), "/")+"/enrol/"+made.Secret)
			return err
		})
}

// pin is empty for a link without one.
func (c *linkCreate) pin(ctx context.Context) (domain.Secret, error) {
	if !c.PINStdin && !c.AskPIN {
		return "", nil
	}
	pin, err := passwordSource{c.PINStdin}.password(ctx, "PIN")
	if err == nil && pin == "" {
		err = misuse("the PIN is empty")
	}
	return pin, err
}

type linkList struct {
	app.StorageConfig
	form
	Client string `arg:"" help:"Name or id of the client."`
}

// Run lists the links.
func (c *linkList) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client link list", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.Enrolment], error) {
				return s.Enrolments.Page(ctx, client.ID, request)
			}
			return list(ctx, c.form, page, linkRecordAt(app.Now()))
		})
}

type linkRevoke struct {
	app.StorageConfig
	confirmation
	Client string `arg:"" help:"Name or id of the client."`
	Link   int64  `arg:"" name:"id" help:"Id of the link, as list prints it."`
}

// Run revokes the link.
func (c *linkRevoke) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client link revoke", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			link, err := s.Enrolments.Get(ctx, client.ID, c.Link)
			if domain.IsKind(err, domain.Missing) {
				return notFound("%s has no link with the id %d", clientKind(s).call(client), c.Link)
			}
			if err != nil {
				return err
			}
			err = c.confirm(ctx, "Revoke the link %d of %s? Whoever has it gets nothing by it any more.", link.ID,
				clientKind(s).call(client))
			if err != nil {
				return err
			}
			_, err = s.Enrolments.Revoke(ctx, client.ID, link.ID)
			return err
		})
}
