package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type caRenew struct {
	app.StorageConfig
	form
	confirmation
	Expires      life   `aliases:"expiration" placeholder:"DURATION" help:"Life of the certificate in whole days, as 3650d (default: 10950d, or until the parent ends)."`
	NewKey       bool   `xor:"key" help:"Make another CA in its place, with a key of its own."`
	Name         string `placeholder:"NAME" help:"With --new-key: name of the other CA (default: that of the CA and G2, then G3 …)."`
	KeyAlgorithm string `placeholder:"NAME" help:"With --new-key: ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096 (default: that of the CA)."`
	KeyStore     string `placeholder:"NAME" help:"With --new-key: key store in which it is made, or database (default: where the key of the CA is)."`
	Cert         string `xor:"key" placeholder:"FILE" help:"File with the next certificate in PEM, made elsewhere for the key of the CA, and those above it."`
	DryRun       bool   `help:"Say what would be made, and change nothing."`
	CA           string `arg:"" name:"ca" help:"Name or id of the CA."`
}

// Run renews the CA.
func (c *caRenew) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "ca renew", caKind, c.CA,
		func(ctx context.Context, s *service.Services, ca domain.CA) error {
			asked, err := c.asked()
			if err != nil {
				return err
			}
			if c.DryRun {
				return c.plan(ctx, s, ca, asked)
			}
			question := "Give %s its next certificate?"
			if c.NewKey {
				question = "Make a CA in the place of %s, with a new key?"
			}
			if err := c.confirm(ctx, question, caKind(s).call(ca)); err != nil {
				return err
			}
			renewed, err := s.CAs.Renew(ctx, ca.ID, asked)
			if err != nil {
				return err
			}
			return showCA(ctx, s, c.form, renewed)
		})
}

func (c *caRenew) asked() (domain.CARenewal, error) {
	asked := domain.CARenewal{
		Expiration: c.Expires.days(), Key: domain.SameKey, Name: c.Name, KeyAlgorithm: c.KeyAlgorithm,
		KeyStore: c.KeyStore,
	}
	if c.NewKey {
		asked.Key = domain.NewKey
	}
	var err error
	if c.Cert != "" {
		if asked.Certificate, err = readInput(c.Cert); err == nil && len(asked.Certificate) == 0 {
			err = misuse("%s is empty", c.Cert)
		}
	}
	return asked, err
}

// caPlan is what a renewal would make.
type caPlan struct {
	Name        string `json:"name"`
	NewCA       bool   `json:"new_ca"`
	ExpiresAt   string `json:"expires_at"`
	CrossSigned bool   `json:"cross_signed"`
}

// plan prints what a renewal would make.
func (c *caRenew) plan(ctx context.Context, s *service.Services, ca domain.CA, asked domain.CARenewal) error {
	origin := domain.OriginOf(ctx)
	origin.DryRun = true
	_, err := s.CAs.Renew(domain.WithOrigin(ctx, origin), ca.ID, asked)
	said, ok := errors.AsType[*audit.DryRun](err)
	if !ok {
		return err
	}
	plan := caPlan{NewCA: c.NewKey}
	if err := json.Unmarshal([]byte(said.Event.After), &plan); err != nil {
		return err
	}
	plan.Name = said.Event.ResourceName
	return show(c.form, plan)
}

type caHistory struct {
	app.StorageConfig
	form
	CA string `arg:"" name:"ca" help:"Name or id of the CA."`
}

// caCertificateRecord is a certificate of a CA.
type caCertificateRecord struct {
	Kind        string `json:"kind" table:"KIND"`
	Issuer      string `json:"issuer" table:"ISSUER"`
	Serial      string `json:"serial" table:"SERIAL"`
	Fingerprint string `json:"fingerprint"`
	NotBefore   stamp  `json:"not_before" table:"BEGINS"`
	ExpiryDate  stamp  `json:"expiry_date" table:"EXPIRES"`
	CreatedAt   stamp  `json:"created_at"`
	Cert        string `json:"cert"`
}

// Run lists the certificates.
func (c *caHistory) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "ca certificates", caKind, c.CA,
		func(ctx context.Context, s *service.Services, ca domain.CA) error {
			certificates, err := s.CAs.Certificates(ctx, ca.ID)
			if err != nil {
				return err
			}
			p := newPrinter[caCertificateRecord](os.Stdout, c.form)
			for _, one := range certificates {
				err = errors.Join(err, p.add(caCertificateRecord{
					string(one.Kind), one.Issuer, one.Serial, one.Fingerprint, stamp(one.NotBefore),
					stamp(one.NotAfter), stamp(one.CreatedAt), one.PEM,
				}))
			}
			return errors.Join(err, p.end())
		})
}
