package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type mailCommands struct {
	List   mailList   `cmd:"" help:"List the addresses that events are mailed to."`
	Show   mailShow   `cmd:"" help:"Show a recipient, and what has come of the mail to it."`
	Create mailCreate `cmd:"" help:"Mail events to an address from now on, and show the recipient."`
	Update mailUpdate `cmd:"" help:"Change a recipient, and show it."`
	Delete mailDelete `cmd:"" help:"Mail nothing more to an address."`
	Test   mailTest   `cmd:"" help:"Send a test letter to a recipient, at once."`
}

func mailKind(s *service.Services) kind[domain.MailRecipient] {
	return kind[domain.MailRecipient]{
		what: "recipient", get: s.MailRecipients.Get,
		page: func(
			ctx context.Context, _ string, request domain.PageRequest,
		) (domain.Page[domain.MailRecipient], error) {
			return s.MailRecipients.Page(ctx, request)
		},
		identity: func(r domain.MailRecipient) (int64, string) { return r.ID, r.Address },
	}
}

type mailRecord struct {
	ID           int64   `json:"id" table:"ID"`
	Address      string  `json:"address" table:"ADDRESS"`
	Language     string  `json:"language" table:"LANGUAGE"`
	Events       texts   `json:"events" table:"EVENTS"`
	Resource     *string `json:"resource"`
	ResourceID   *int64  `json:"resource_id"`
	Days         int     `json:"days" table:"DAYS"`
	Enabled      bool    `json:"enabled" table:"ENABLED"`
	WaitingSince stamp   `json:"waiting_since"`
	Attempts     int     `json:"attempts"`
	Failure      string  `json:"failure"`
	FailedAt     stamp   `json:"failed_at" table:"REFUSED"`
	LastSentAt   stamp   `json:"last_sent_at" table:"LAST SENT"`
	Sent         int64   `json:"sent"`
	CreatedAt    stamp   `json:"created_at"`
	UpdatedAt    stamp   `json:"updated_at"`
}

func mailRecordOf(r domain.MailRecipient) mailRecord {
	return mailRecord{
		ID: r.ID, Address: r.Address, Language: string(r.Language), Events: append(texts{}, r.Events...),
		Resource: optional(string(r.Resource)), ResourceID: optional(r.ResourceID), Days: r.Days, Enabled: r.Enabled,
		WaitingSince: stamp(r.WrittenAt), Attempts: r.Attempts, Failure: r.Failure, FailedAt: stamp(r.FailedAt),
		LastSentAt: stamp(r.SentAt), Sent: r.Sent, CreatedAt: stamp(r.CreatedAt), UpdatedAt: stamp(r.UpdatedAt),
	}
}

type mailList struct {
	app.StorageConfig
	form
}

// Run lists the recipients.
func (c *mailList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "mail list", func(ctx context.Context, s *service.Services) error {
		return list(ctx, c.form, s.MailRecipients.Page, mailRecordOf)
	})
}

type mailShow struct {
	app.StorageConfig
	form
	Recipient string `arg:"" help:"Address or id of the recipient."`
}

// Run shows a recipient.
func (c *mailShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "mail show", mailKind, c.Recipient,
		func(_ context.Context, _ *service.Services, r domain.MailRecipient) error {
			return show(c.form, mailRecordOf(r))
		})
}

type mailCreate struct {
	app.StorageConfig
	form
	Address    string   `required:"" help:"E-mail address."`
	Language   string   `default:"pt-BR" enum:"pt-BR,en" help:"Language of the letters: pt-BR or en."`
	Event      []string `sep:"none" placeholder:"TYPE|GROUP" help:"Type of events, as key.exported, or a group of them, as alarms (default), security or all; may be repeated."`
	Resource   string   `placeholder:"KIND" help:"Only events of resources of this kind, as openvpn.clients."`
	ResourceID int64    `name:"resource-id" placeholder:"ID" help:"Only events of this one."`
	Days       int      `default:"30" help:"Mail that something ends from so many days ahead on."`
}

// Run creates the recipient.
func (c *mailCreate) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "mail create", func(ctx context.Context, s *service.Services) error {
		made, err := s.MailRecipients.Create(ctx, domain.MailRecipient{
			Address: c.Address, Language: domain.MailLanguage(c.Language), Events: c.Event,
			Resource: domain.Scope(c.Resource), ResourceID: c.ResourceID, Days: c.Days, Enabled: true,
		})
		if err != nil {
			return err
		}
		return show(c.form, mailRecordOf(made))
	})
}

type mailUpdate struct {
	app.StorageConfig
	form
	Address    *string  `help:"Another e-mail address."`
	Language   *string  `enum:"pt-BR,en" help:"Language of the letters: pt-BR or en."`
	Event      []string `sep:"none" placeholder:"TYPE|GROUP" help:"Type or group of events from now on, instead of all before; may be repeated."`
	Resource   *string  `placeholder:"KIND" help:"Only events of resources of this kind; \"\" for all."`
	ResourceID *int64   `name:"resource-id" placeholder:"ID" help:"Only events of this one; 0 for all."`
	Days       *int     `help:"Mail that something ends from so many days ahead on."`
	Enabled    *bool    `negatable:"" help:"Mail to it; also tries an address again that was refused."`
	Recipient  string   `arg:"" help:"Address or id of the recipient."`
}

// Run changes the recipient.
func (c *mailUpdate) Run(ctx context.Context) error {
	return update(ctx, c.StorageConfig, "mail update", mailKind, c.Recipient, c.asked,
		func(
			ctx context.Context, s *service.Services, r domain.MailRecipient, change domain.MailRecipientUpdate,
		) error {
			changed, err := s.MailRecipients.Update(ctx, r.ID, change)
			if err != nil {
				return err
			}
			return show(c.form, mailRecordOf(changed))
		})
}

func (c *mailUpdate) asked(context.Context, *service.Services) (domain.MailRecipientUpdate, error) {
	return domain.MailRecipientUpdate{
		Address: c.Address, Language: c.Language, Events: c.Event, Resource: c.Resource, ResourceID: c.ResourceID,
		Days: c.Days, Enabled: c.Enabled,
	}, nil
}

type mailDelete struct {
	app.StorageConfig
	confirmation
	Recipient string `arg:"" help:"Address or id of the recipient."`
}

// Run deletes the recipient.
func (c *mailDelete) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "mail delete", mailKind, c.Recipient,
		func(ctx context.Context, s *service.Services, r domain.MailRecipient) error {
			if err := c.confirm(ctx, "Delete %s?", mailKind(s).call(r)); err != nil {
				return err
			}
			return s.MailRecipients.Delete(ctx, r.ID)
		})
}

type mailTest struct {
	app.StorageConfig
	app.MailConfig
	ExternalURL app.URL `name:"external-url" env:"CHAVEIRO_EXTERNAL_URL" help:"External URL of the server, for the link in the letter."`
	Recipient   string  `arg:"" help:"Address or id of the recipient."`
}

// Run sends a test letter with the settings of the command, which have to be those of the server.
func (c *mailTest) Run(ctx context.Context) error {
	if err := c.MailConfig.Validate(); err != nil {
		return misuse("%s", err)
	}
	config := app.Config{StorageConfig: c.StorageConfig, MailConfig: c.MailConfig, ExternalURL: c.ExternalURL}
	do := func(ctx context.Context, s *service.Services) error {
		r, err := mailKind(s).find(ctx, c.Recipient)
		if err != nil {
			return err
		}
		done, err := s.MailRecipients.Test(ctx, r.ID)
		if err != nil {
			return err
		}
		if done.Failure != "" {
			return fmt.Errorf("the letter was not sent: %s", done.Failure)
		}
		_, err = fmt.Printf("The mail server has taken a letter to %s, Message-ID %s\n", r.Address, done.MessageID)
		return err
	}
	return commandWith(ctx, config, "mail test", slog.LevelWarn, do)
}
