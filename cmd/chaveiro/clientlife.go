package main

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type clientRenew struct {
	issuingFlags
	form
	keyFlags
	Overlap *time.Duration `placeholder:"DURATION" least:"0s" help:"How long the earlier certificates stay valid (default: 30d); with 0 they are revoked now."`
	Name    *string        `placeholder:"NAME" help:"Another name, if a new certificate may not have the present one."`
	Client  string         `arg:"" help:"Name or id of the client."`
}

// Run issues the next certificate.
func (c *clientRenew) Run(ctx context.Context) error {
	return onWith(ctx, c.config(), "client renew", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			key, err := c.spec(ctx)
			if err != nil {
				return err
			}
			renewed, err := s.Clients.Renew(ctx, client.ID, domain.ClientRenewal{
				Name: c.Name, Overlap: c.Overlap, Password: key.Password, Expiration: c.Expires.days(),
				KeyAlgorithm: key.Algorithm, Request: key.Request,
			})
			if err != nil {
				return err
			}
			return showClient(ctx, s, c.form, renewed)
		})
}

type clientSuspend struct {
	app.StorageConfig
	Client string `arg:"" help:"Name or id of the client."`
}

// Run suspends the client.
func (c *clientSuspend) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client suspend", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			_, err := s.Clients.Suspend(ctx, client.ID)
			return err
		})
}

type clientResume struct {
	app.StorageConfig
	Client string `arg:"" help:"Name or id of the client."`
}

// Run resumes the client.
func (c *clientResume) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client resume", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			_, err := s.Clients.Resume(ctx, client.ID)
			return err
		})
}

// revocationFlags say why a certificate is revoked.
type revocationFlags struct {
	Reason       string `enum:"unspecified,keyCompromise,cACompromise,affiliationChanged,superseded,cessationOfOperation,privilegeWithdrawn,aACompromise" default:"unspecified" placeholder:"REASON" help:"Why (RFC 5280, section 5.3.1), as keyCompromise."`
	InvalidSince date   `placeholder:"DATE" help:"Since when the key is not to be trusted, if that was earlier."`
}

func (f revocationFlags) spec() domain.RevocationSpec {
	reason, _ := domain.ParseRevocationReason(f.Reason) // the parser admits no other
	return domain.RevocationSpec{Reason: reason, InvalidSince: time.Time(f.InvalidSince)}
}

type clientRevoke struct {
	app.StorageConfig
	confirmation
	revocationFlags
	Client string `arg:"" help:"Name or id of the client."`
}

// Run revokes the certificates.
func (c *clientRevoke) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client revoke", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			if err := c.confirm(ctx, "Revoke the certificate of %s for good?", clientKind(s).call(client)); err != nil {
				return err
			}
			_, err := s.Clients.Revoke(ctx, client.ID, c.spec())
			return err
		})
}

type clientHistory struct {
	app.StorageConfig
	form
	Client string `arg:"" help:"Name or id of the client."`
}

// Run lists the certificates.
func (c *clientHistory) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client certificates", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			return listCertificates(ctx, s, c.form, domain.CertificateFilter{ClientID: client.ID})
		})
}
