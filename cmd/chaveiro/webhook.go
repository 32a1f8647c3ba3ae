package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type webhookCommands struct {
	Create     webhookCreate     `cmd:"" help:"Create a webhook and print only its key, which can't be read again."`
	List       webhookList       `cmd:"" help:"List the webhooks."`
	Show       webhookShow       `cmd:"" help:"Show a webhook."`
	Update     webhookUpdate     `cmd:"" help:"Change a webhook, and show it."`
	Delete     webhookDelete     `cmd:"" help:"Delete a webhook, with all that waits for it."`
	Rotate     webhookRotate     `cmd:"" help:"Give a webhook a new key and print only that key."`
	Test       webhookTest       `cmd:"" help:"Send a message of the type ping from this machine, and print what came of it."`
	Deliveries webhookDeliveries `cmd:"" help:"List what was delivered to a webhook, waits, or was given up."`
	Replay     webhookReplay     `cmd:"" help:"Send deliveries again: those that were given up, or others."`
}

// webhookFlags are the settings of the server that say where webhooks may be sent to.
type webhookFlags struct {
	app.StorageConfig
	WebhookAllow []netip.Prefix `name:"webhook-allow" env:"CHAVEIRO_WEBHOOK_ALLOW" help:"Networks (CIDR) that webhooks may be sent to beside public addresses, as the server has them."`
	WebhookCA    string         `name:"webhook-ca" env:"CHAVEIRO_WEBHOOK_CA" help:"PEM file of certificate authorities that endpoints may have, as the server has it."`
}

func (f webhookFlags) config() app.Config {
	return app.Config{StorageConfig: f.StorageConfig, WebhookAllow: f.WebhookAllow, WebhookCA: f.WebhookCA}
}

func webhookKind(s *service.Services) kind[domain.Webhook] {
	return kind[domain.Webhook]{
		what: "webhook", get: s.Webhooks.Get,
		page: func(ctx context.Context, _ string, request domain.PageRequest) (domain.Page[domain.Webhook], error) {
			return s.Webhooks.Page(ctx, request)
		},
		identity: func(w domain.Webhook) (int64, string) { return w.ID, w.Name },
	}
}

type webhookCreate struct {
	webhookFlags
	Name        string   `required:"" help:"Name of the webhook."`
	URL         string   `name:"url" required:"" help:"Address that events are posted to, as https://hooks.example.com/chaveiro."`
	Description string   `help:"What it is for."`
	Type        []string `sep:"none" help:"Type of events that are sent, as certificate.revoked (default: all); may be repeated."`
	Resource    string   `help:"Kind of the resources whose events are sent, as openvpn.clients (default: all)."`
	ResourceID  int64    `name:"resource-id" placeholder:"ID" help:"Id of the resource whose events are sent."`
	Disabled    bool     `help:"Send nothing until it is enabled."`
}

// Run creates the webhook.
func (c *webhookCreate) Run(ctx context.Context) error {
	return commandWith(ctx, c.config(), "webhook create", slog.LevelWarn,
		func(ctx context.Context, s *service.Services) error {
			made, err := s.Webhooks.Create(ctx, domain.Webhook{
				Name: c.Name, Description: c.Description, URL: c.URL, Enabled: !c.Disabled, Types: eventTypesOf(c.Type),
				Resource: domain.Scope(c.Resource), ResourceID: c.ResourceID,
			})
			return printToken(domain.Secret(made.Key), err)
		})
}

func eventTypesOf(names []string) (list []domain.EventType) {
	for _, name := range names {
		list = append(list, domain.EventType(name))
	}
	return list
}

type webhookList struct {
	app.StorageConfig
	form
}

// Run lists the webhooks.
func (c *webhookList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "webhook list", func(ctx context.Context, s *service.Services) error {
		return list(ctx, c.form, s.Webhooks.Page, webhookRecordOf)
	})
}

type webhookShow struct {
	app.StorageConfig
	form
	Webhook string `arg:"" help:"Name or id of the webhook."`
}

// Run shows a webhook.
func (c *webhookShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "webhook show", webhookKind, c.Webhook,
		func(_ context.Context, _ *service.Services, w domain.Webhook) error {
			return show(c.form, webhookRecordOf(w))
		})
}

type webhookUpdate struct {
	webhookFlags
	form
	Name        *string  `help:"Another name."`
	URL         *string  `name:"url" help:"Another address."`
	Description *string  `help:"What it is for; \"\" clears it."`
	Type        []string `sep:"none" xor:"types" help:"Type of events that are sent from now on, instead of all before; may be repeated."`
	AllTypes    bool     `name:"all-types" xor:"types" help:"Send events of all types."`
	Resource    *string  `help:"Kind of the resources whose events are sent; \"\" is all."`
	ResourceID  *int64   `name:"resource-id" placeholder:"ID" help:"Id of the resource whose events are sent; 0 is all."`
	Enabled     *bool    `negatable:"" help:"Send events; one that is enabled again goes on where it has stopped."`
	Webhook     string   `arg:"" help:"Name or id of the webhook."`
}

// Run changes the webhook.
func (c *webhookUpdate) Run(ctx context.Context) error {
	change := c.asked()
	if change == (domain.WebhookUpdate{}) {
		return misuse("there is nothing to change: no flag says what")
	}
	return onWith(ctx, c.config(), "webhook update", webhookKind, c.Webhook,
		func(ctx context.Context, s *service.Services, w domain.Webhook) error {
			changed, err := s.Webhooks.Update(ctx, w.ID, change)
			if err != nil {
				return err
			}
			return show(c.form, webhookRecordOf(changed))
		})
}

func (c *webhookUpdate) asked() domain.WebhookUpdate {
	change := domain.WebhookUpdate{
		Name: c.Name, URL: c.URL, Description: c.Description, Enabled: c.Enabled, ResourceID: c.ResourceID,
	}
	if types := eventTypesOf(c.Type); len(types) > 0 || c.AllTypes {
		change.Types = &types
	}
	if c.Resource != nil {
		resource := domain.Scope(*c.Resource)
		change.Resource = &resource
	}
	return change
}

type webhookDelete struct {
	app.StorageConfig
	confirmation
	Webhook string `arg:"" help:"Name or id of the webhook."`
}

// Run deletes the webhook.
func (c *webhookDelete) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "webhook delete", webhookKind, c.Webhook,
		func(ctx context.Context, s *service.Services, w domain.Webhook) error {
			if err := c.confirm(ctx, "Delete %s? What waits for it is lost.", webhookKind(s).call(w)); err != nil {
				return err
			}
			return s.Webhooks.Delete(ctx, w.ID)
		})
}

type webhookRotate struct {
	app.StorageConfig
	Overlap time.Duration `default:"24h" least:"0s" help:"How long the key before signs too; 0 ends it at once."`
	Webhook string        `arg:"" help:"Name or id of the webhook."`
}

// Run rotates the key.
func (c *webhookRotate) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "webhook rotate", webhookKind, c.Webhook,
		func(ctx context.Context, s *service.Services, w domain.Webhook) error {
			made, err := s.Webhooks.Rotate(ctx, w.ID, c.Overlap)
			return printToken(domain.Secret(made.Key), err)
		})
}

type webhookTest struct {
	webhookFlags
	Webhook string `arg:"" help:"Name or id of the webhook."`
}

// Run sends a ping. Anything but a success is a failure of the command.
func (c *webhookTest) Run(ctx context.Context) error {
	return onWith(ctx, c.config(), "webhook test", webhookKind, c.Webhook,
		func(ctx context.Context, s *service.Services, w domain.Webhook) error {
			got, err := s.Webhooks.Test(ctx, w.ID)
			switch {
			case err != nil:
				return err
			case got.Fault != "" && got.Status == 0:
				return fmt.Errorf("nothing was delivered: %s, after %s", got.Fault, got.Took)
			case got.Fault != "":
				return fmt.Errorf("the answer was %d, after %s", got.Status, got.Took)
			}
			fmt.Printf("delivered: %d, after %s\n", got.Status, got.Took)
			return nil
		})
}

type webhookDeliveries struct {
	app.StorageConfig
	form
	State   string `enum:",waiting,delivered,dead" default:"" placeholder:"STATE" help:"Only those in this state: waiting, delivered or dead."`
	Webhook string `arg:"" help:"Name or id of the webhook."`
}

// Run lists the deliveries.
func (c *webhookDeliveries) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "webhook deliveries", webhookKind, c.Webhook,
		func(ctx context.Context, s *service.Services, w domain.Webhook) error {
			filter := domain.DeliveryFilter{WebhookID: w.ID, State: domain.DeliveryState(c.State)}
			page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.WebhookDelivery], error) {
				return s.Webhooks.Deliveries(ctx, filter, request)
			}
			return list(ctx, c.form, page, deliveryRecordOf)
		})
}

type webhookReplay struct {
	app.StorageConfig
	Event   int64  `placeholder:"ID" help:"Only the delivery of this event."`
	State   string `enum:",dead,delivered,all" default:"" placeholder:"STATE" help:"Which deliveries: dead (default), delivered or all of these."`
	Since   date   `placeholder:"DATE" help:"Only events of this time or later, as 2027-01-31 or 2027-01-31T12:00:00Z."`
	Webhook string `arg:"" help:"Name or id of the webhook."`
}

// Run sends deliveries again, and prints how many.
func (c *webhookReplay) Run(ctx context.Context) error {
	if c.Event != 0 && (c.State != "" || !time.Time(c.Since).IsZero()) {
		return misuse("--event names one delivery: --state and --since can't be used with it")
	}
	return on(ctx, c.StorageConfig, "webhook replay", webhookKind, c.Webhook,
		func(ctx context.Context, s *service.Services, w domain.Webhook) error {
			filter := domain.DeliveryFilter{
				WebhookID: w.ID, State: domain.DeliveryState(c.State), Since: time.Time(c.Since),
			}
			switch c.State {
			case "":
				filter.State = domain.DeliveryDead
			case "all":
				filter.State = ""
			}
			do := func() (int, error) {
				done, err := s.Webhooks.Replay(ctx, filter)
				return done.Deliveries, err
			}
			if c.Event != 0 {
				do = func() (int, error) {
					done, err := s.Webhooks.ReplayOne(ctx, w.ID, c.Event)
					return done.Deliveries, err
				}
			}
			n, err := do()
			if err == nil {
				fmt.Printf("%d are sent again\n", n)
			}
			return err
		})
}
