package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type campaignLinks struct {
	app.StorageConfig
	form
	State       domain.ProfileState `enum:",current,stale,linked,never" default:"" placeholder:"STATE" help:"The sites of this state: current, stale (the default), linked or never."`
	Client      []string            `sep:"none" placeholder:"CLIENT" help:"Name or id of a client, in place of --state; may be repeated."`
	Format      string              `help:"Format of the profiles; without it, the person at the site chooses."`
	Expires     *time.Duration      `placeholder:"DURATION" help:"How long the links are good (default: 7d)."`
	PINStdin    bool                `name:"pin-stdin" help:"Read a PIN for all links from the first line of the standard input."`
	ExternalURL app.URL             `name:"external-url" env:"CHAVEIRO_EXTERNAL_URL" help:"URL under which sites reach the service, as https://vpn.example.com; without it only the paths of the links are printed."`
	Instance    string              `arg:"" help:"Name or id of the instance."`
}

// Validate joins the faults of the settings.
func (c *campaignLinks) Validate() error {
	return errors.Join(c.StorageConfig.Validate(), app.CheckExternalURL(c.ExternalURL))
}

// Run makes the links, however many there are, and prints each: nobody can read it again.
func (c *campaignLinks) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "campaign links", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			asked, err := c.asked(ctx, s, i)
			if err != nil {
				return err
			}
			p, failed := newPrinter[madeLinkRecord](os.Stdout, c.form), 0
			for more := true; more; {
				made, err := s.Enrolments.CreateMany(ctx, asked)
				for _, one := range made.Sites {
					record := madeLinkRecord{ClientID: one.ClientID, Client: one.Name}
					if one.Err != nil {
						failed++
						record.Error = plain(one.Err).Error()
					} else {
						record.made(one.Link.Enrolment, string(c.ExternalURL), one.Link.Secret)
					}
					err = errors.Join(err, p.add(record))
				}
				if err != nil {
					return finished(p, err)
				}
				asked.After, more = made.Next, made.Next != 0 && len(asked.IDs) == 0
			}
			if err := p.end(); err != nil || failed == 0 {
				return err
			}
			return refused("sites that got no link: %d", failed)
		})
}

func (c *campaignLinks) asked(
	ctx context.Context, s *service.Services, i domain.Instance,
) (asked domain.ManyEnrolments, err error) {
	asked = domain.ManyEnrolments{
		EnrolmentSpec: domain.EnrolmentSpec{InstanceID: i.ID, Format: c.Format, Life: c.Expires}, State: c.State,
	}
	for _, name := range c.Client {
		id, err := clientKind(s).id(ctx, name)
		if err != nil {
			return asked, err
		}
		asked.IDs = append(asked.IDs, id)
	}
	if c.PINStdin {
		pin, err := waitFor(ctx, func() (string, error) { return firstLine(os.Stdin) })
		if errors.Is(err, errNoLine) {
			err = misuse("there is no PIN on the standard input")
		}
		if err != nil {
			return asked, err
		}
		asked.PIN = domain.Secret(pin)
	}
	return asked, nil
}

type madeLinkRecord struct {
	ClientID    int64  `json:"client_id" table:"ID"`
	Client      string `json:"client" table:"CLIENT"`
	EnrolmentID *int64 `json:"enrolment_id"`
	ExpiresAt   stamp  `json:"expires_at" table:"EXPIRES"`
	Link        string `json:"link" table:"LINK"`
	Error       string `json:"error" table:"ERROR"`
}

func (r *madeLinkRecord) made(e domain.Enrolment, base, secret string) {
	r.EnrolmentID, r.ExpiresAt = optional(e.ID), stamp(e.ExpiresAt)
	r.Link = strings.TrimSuffix(base, "/") + "/enrol/" + secret
}
