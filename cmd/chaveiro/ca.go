package main

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type caCommands struct {
	List        caList        `cmd:"" help:"List the CAs."`
	Show        caShow        `cmd:"" help:"Show a CA: its subject, key, end, fingerprint and last CRL."`
	Create      caCreate      `cmd:"" help:"Create a CA with a self-signed certificate, and show it."`
	Update      caUpdate      `cmd:"" help:"Change the description, e-mail address or holder that a CA is recorded with, and show it. Its certificate stays as it is."`
	Renew       caRenew       `cmd:"" help:"Give a CA its next certificate, or with --new-key a CA in its place, and show it."`
	History     caHistory     `cmd:"" name:"certificates" help:"List all certificates that a CA has had."`
	Certificate caCertificate `cmd:"" help:"Write what a peer of a CA has to trust, in PEM: its certificate and those above it, or in its place."`
	Delete      caDelete      `cmd:"" help:"Delete a CA that has no clients."`
}

type caList struct {
	app.StorageConfig
	form
}

// Run lists the CAs.
func (c *caList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "ca list", func(ctx context.Context, s *service.Services) error {
		return list(ctx, c.form, s.CAs.Page, caRecordAt(s.CAs.Now()))
	})
}

type caShow struct {
	app.StorageConfig
	form
	CA string `arg:"" name:"ca" help:"Name or id of the CA."`
}

// Run shows a CA.
func (c *caShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "ca show", caKind, c.CA,
		func(ctx context.Context, s *service.Services, ca domain.CA) error { return showCA(ctx, s, c.form, ca) })
}

func showCA(ctx context.Context, s *service.Services, f form, ca domain.CA) error {
	details, err := caDetailsOf(ctx, s, ca)
	if err != nil {
		return err
	}
	return show(f, details)
}

type caCreate struct {
	app.StorageConfig
	form
	subjectFlags
	Name         string `required:"" help:"Name of the CA; it is the common name of the certificate."`
	Description  string `help:"What it is for."`
	Expires      life   `placeholder:"DURATION" help:"Life of the certificate in whole days, as 3650d (default: 10950d, or until the parent ends)."`
	KeyAlgorithm string `placeholder:"NAME" help:"ecdsa-p256 (default), ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096."`
	KeyStore     string `placeholder:"NAME" xor:"key" help:"Key store in which its key is made, by its name in --key-stores (default: the database)."`
	Key          string `placeholder:"URI" xor:"key" help:"Key that is in a key store already, as pkcs11:token=chaveiro;object=ca-matriz."`
	Parent       string `placeholder:"CA" help:"Name or id of the CA that issues its certificate (default: itself)."`
	PathLength   *int   `placeholder:"N" help:"How many CAs may be below it (default: 1, or 0 with --parent)."`
}

// Run creates the CA.
func (c *caCreate) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "ca create", func(ctx context.Context, s *service.Services) error {
		var parent int64
		if c.Parent != "" {
			var err error
			if parent, err = caKind(s).id(ctx, c.Parent); err != nil {
				return err
			}
		}
		ca, err := s.CAs.Create(ctx, domain.CASpec{
			Name: c.Name, Description: c.Description, Subject: c.subject(), Expiration: c.Expires.days(),
			KeyAlgorithm: c.KeyAlgorithm, KeyStore: c.KeyStore, KeyURI: c.Key, ParentID: parent,
			PathLength: c.PathLength,
		})
		if err != nil {
			return err
		}
		return showCA(ctx, s, c.form, ca)
	})
}

type caCertificate struct {
	app.StorageConfig
	outFile
	CA string `arg:"" name:"ca" help:"Name or id of the CA."`
}

// Run writes the certificate.
func (c *caCertificate) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "ca certificate", caKind, c.CA,
		func(ctx context.Context, s *service.Services, ca domain.CA) error {
			return c.fetch(func() ([]byte, error) { return s.CAs.Certificate(ctx, ca.ID) })
		})
}

type caDelete struct {
	app.StorageConfig
	confirmation
	CA string `arg:"" name:"ca" help:"Name or id of the CA."`
}

// Run deletes the CA.
func (c *caDelete) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "ca delete", caKind, c.CA,
		func(ctx context.Context, s *service.Services, ca domain.CA) error {
			err := c.confirm(ctx, "Delete %s, with its key and its revocation list?", caKind(s).call(ca))
			if err != nil {
				return err
			}
			return s.CAs.Delete(ctx, ca.ID)
		})
}
