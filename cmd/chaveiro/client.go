package main

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type clientCommands struct {
	List        clientList        `cmd:"" help:"List the site-to-site clients."`
	Show        clientShow        `cmd:"" help:"Show a client and its certificate."`
	Create      clientCreate      `cmd:"" help:"Create a client with its key and certificate, and show it."`
	Certificate clientCertificate `cmd:"" help:"Write the certificate of a client, followed by that of its CA, in PEM."`
	Key         clientKey         `cmd:"" help:"Write the private key of a client in PEM."`
	P12         clientP12         `cmd:"" name:"p12" help:"Write key and certificates of a client as one PKCS#12 file, protected by a password."`
	Revoke      clientRevoke      `cmd:"" help:"Revoke the certificate of a client. This can't be undone."`
}

type clientList struct {
	app.StorageConfig
	form
	CA     string        `name:"ca" placeholder:"CA" help:"Only clients of this CA: its name or id."`
	Name   string        `placeholder:"PATTERN" help:"Only clients with this name; a * at the end, or at both ends, stands for any text."`
	Status domain.Status `enum:",valid,expired,revoked" default:"" placeholder:"STATUS" help:"Only clients whose certificate is valid, expired or revoked."`
}

// Run lists the clients.
func (c *clientList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "client list", func(ctx context.Context, s *service.Services) error {
		filter := domain.ClientFilter{Name: c.Name, Status: c.Status}
		if c.CA != "" {
			var err error
			if filter.CAID, err = caKind(s).id(ctx, c.CA); err != nil {
				return err
			}
		}
		page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.Client], error) {
			return s.Clients.Page(ctx, filter, request)
		}
		return list(ctx, c.form, page, clientRecordAt(app.Now()))
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
	details, err := clientDetailsOf(ctx, s, client, clientRecordAt(app.Now())(client))
	if err != nil {
		return err
	}
	return show(f, details)
}

type clientCreate struct {
	app.StorageConfig
	form
	subjectFlags
	Name          string `required:"" help:"Name of the client; it is the common name of the certificate."`
	CA            string `name:"ca" required:"" placeholder:"CA" help:"CA that signs the certificate: its name or id."`
	Description   string `help:"What it is for."`
	Expires       life   `placeholder:"DURATION" help:"Life of the certificate in whole days, as 365d (default: 3650d, or until the CA ends)."`
	KeyAlgorithm  string `placeholder:"NAME" help:"ecdsa-p256 (default), ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096."`
	PasswordStdin bool   `xor:"password" help:"Encrypt the key with the password in the first line of the standard input."`
	AskPassword   bool   `xor:"password" help:"Encrypt the key with a password that is asked for at the terminal."`
}

// Run creates the client.
func (c *clientCreate) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "client create", func(ctx context.Context, s *service.Services) error {
		ca, err := caKind(s).id(ctx, c.CA)
		if err != nil {
			return err
		}
		password, err := c.password(ctx)
		if err != nil {
			return err
		}
		client, err := s.Clients.Create(ctx, domain.ClientSpec{
			CAID: ca, Name: c.Name, Description: c.Description, Subject: c.subject(), Password: password,
			Expiration: c.Expires.days(), KeyAlgorithm: c.KeyAlgorithm,
		})
		if err != nil {
			return err
		}
		return showClient(ctx, s, c.form, client)
	})
}

// password is empty for a key that is not encrypted.
func (c *clientCreate) password(ctx context.Context) (domain.Secret, error) {
	if !c.PasswordStdin && !c.AskPassword {
		return "", nil
	}
	password, err := passwordSource{c.PasswordStdin}.password(ctx, "Password of the key")
	if err == nil && password == "" {
		err = misuse("the password is empty")
	}
	return password, err
}

type clientRevoke struct {
	app.StorageConfig
	confirmation
	Client string `arg:"" help:"Name or id of the client."`
}

// Run revokes the certificate.
func (c *clientRevoke) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client revoke", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			if err := c.confirm(ctx, "Revoke the certificate of %s for good?", clientKind(s).call(client)); err != nil {
				return err
			}
			_, err := s.Clients.Revoke(ctx, client.ID, domain.RevocationSpec{})
			return err
		})
}
