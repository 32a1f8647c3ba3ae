package main

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type clientCommands struct {
	List        clientList        `cmd:"" help:"List the site-to-site clients."`
	Show        clientShow        `cmd:"" help:"Show a client and its certificate."`
	Create      clientCreate      `cmd:"" help:"Create a client with its key and certificate, and show it."`
	Update      clientUpdate      `cmd:"" help:"Change the description, e-mail address or holder that a client is recorded with, and show it. Its certificate stays as it is."`
	Import      clientImport      `cmd:"" help:"Create a client for each row of a CSV file."`
	Renew       clientRenew       `cmd:"" help:"Give a client its next certificate, with a new key, and show it."`
	Suspend     clientSuspend     `cmd:"" help:"Revoke the certificates of a client until it is resumed."`
	Resume      clientResume      `cmd:"" help:"Make the certificates of a suspended client valid again."`
	Revoke      clientRevoke      `cmd:"" help:"Revoke the certificates of a client. This can't be undone."`
	Certificate clientCertificate `cmd:"" help:"Write the certificate of a client, followed by that of its CA, in PEM."`
	History     clientHistory     `cmd:"" name:"certificates" help:"List all certificates of a client, the earlier ones too."`
	Key         clientKey         `cmd:"" help:"Write the private key of a client in PEM."`
	Config      configCommands    `cmd:"" help:"Manage what OpenVPN servers do for a client: its addresses, LANs and routes there."`
	Profile     clientProfile     `cmd:"" help:"Write the configuration with which a site reaches an OpenVPN server, with its certificate and key."`
	Link        linkCommands      `cmd:"" help:"Manage the links by which the person at a site gets the profile of a client."`
	P12         clientP12         `cmd:"" name:"p12" help:"Write key and certificates of a client as one PKCS#12 file, protected by a password."`
}

type clientList struct {
	app.StorageConfig
	form
	expiryFlags
	CA       string        `name:"ca" placeholder:"CA" help:"Only clients of this CA: its name or id."`
	Name     string        `placeholder:"PATTERN" help:"Only clients with this name; a * at the end, or at both ends, stands for any text."`
	Status   domain.Status `enum:",valid,expired,revoked" default:"" placeholder:"STATUS" help:"Only clients whose certificate is valid, expired or revoked."`
	Serial   string        `placeholder:"SERIAL" help:"Only the client that has a certificate with this serial, in hex or decimal."`
	Instance string        `placeholder:"INSTANCE" help:"Only the sites of this instance: its name or id."`
}

// Run lists the clients.
func (c *clientList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "client list", func(ctx context.Context, s *service.Services) error {
		ca, caErr := optionalCA(ctx, s, c.CA)
		serials, serialErr := serialsOf(c.Serial)
		instance, instanceErr := optionalInstance(ctx, s, c.Instance)
		if err := errors.Join(caErr, serialErr, instanceErr); err != nil {
			return err
		}
		filter := domain.ClientFilter{
			Name: c.Name, CAID: ca, Status: c.Status, Serials: serials, InstanceID: instance,
		}
		filter.ExpiresAfter, filter.ExpiresBefore, filter.ByExpiry = c.span(app.Now())
		page := func(ctx context.Context, request domain.PageRequest) (domain.Page[seenClient], error) {
			found, err := s.Clients.Page(ctx, filter, request)
			return seenClients(ctx, s, found, err)
		}
		return list(ctx, c.form, page, seenRecordAt(app.Now()))
	})
}

type clientShow struct {
	app.StorageConfig
	form
	Client string `arg:"" help:"Name or id of the client."`
}

// Run shows a client.
func (c *clientShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client show", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			return showClient(ctx, s, c.form, client)
		})
}

func showClient(ctx context.Context, s *service.Services, f form, client domain.Client) error {
	known, err := s.Sessions.Connections(ctx, client.ID)
	if err != nil {
		return err
	}
	details, err := clientDetailsOf(ctx, s, client, clientRecordAt(app.Now())(client).with(known[client.ID]))
	if err != nil {
		return err
	}
	return show(f, details)
}

type clientCreate struct {
	issuingFlags
	form
	subjectFlags
	keyFlags
	Name        string `required:"" help:"Name of the client; it is the common name of the certificate."`
	CA          string `name:"ca" required:"" placeholder:"CA" help:"CA that signs the certificate: its name or id."`
	Description string `help:"What it is for."`
}

// Run creates the client.
func (c *clientCreate) Run(ctx context.Context) error {
	return issuing(ctx, c.issuingFlags, "client create", func(ctx context.Context, s *service.Services) error {
		ca, err := caKind(s).id(ctx, c.CA)
		if err != nil {
			return err
		}
		key, err := c.spec(ctx)
		if err != nil {
			return err
		}
		client, err := s.Clients.Create(ctx, domain.ClientSpec{
			CAID: ca, Name: c.Name, Description: c.Description, Subject: c.subject(), Password: key.Password,
			Expiration: c.Expires.days(), KeyAlgorithm: key.Algorithm, Request: key.Request,
		})
		if err != nil {
			return err
		}
		return showClient(ctx, s, c.form, client)
	})
}
