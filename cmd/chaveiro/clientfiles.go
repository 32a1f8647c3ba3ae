package main

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type clientCertificate struct {
	app.StorageConfig
	outFile
	Client string `arg:"" help:"Name or id of the client."`
}

// Run writes the certificates.
func (c *clientCertificate) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client certificate", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			return c.fetch(func() ([]byte, error) { return s.Clients.Certificate(ctx, client.ID) })
		})
}

type clientKey struct {
	app.StorageConfig
	secretFile
	Client string `arg:"" help:"Name or id of the client."`
}

// Run writes the private key.
func (c *clientKey) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client key", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			return c.fetch(func() ([]byte, error) { return s.Clients.Key(ctx, client.ID) })
		})
}

type clientP12 struct {
	app.StorageConfig
	secretFile
	passwordSource
	Profile pki.PKCS12Profile `enum:"modern,legacy" default:"modern" help:"Encryption: modern (AES), or legacy (3DES) for old programs."`
	Client  string            `arg:"" help:"Name or id of the client."`
}

// Run writes the PKCS#12 file. When the key is encrypted, the password has to be that of the key.
func (c *clientP12) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client p12", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			return c.fetch(func() ([]byte, error) {
				password, err := c.password(ctx, "Password of the file")
				if err != nil {
					return nil, err
				}
				return s.Clients.PKCS12(ctx, client.ID, c.Profile, password)
			})
		})
}
