package main

import (
	"context"
	"encoding/pem"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type certCreate struct {
	issuingFlags
	form
	serverSubject
	keyFlags
	Name    string   `required:"" help:"Name of the server; it is the common name of the certificate."`
	CA      string   `name:"ca" required:"" placeholder:"CA" help:"CA that signs the certificate: its name or id."`
	AltName []string `placeholder:"NAME,..." help:"Host name or address of the server; may be given again (default: the name, if it is a host name)."`
}

// serverSubject is what the certificate of a server says of it beside the name.
type serverSubject struct {
	Email        string `help:"E-mail address."`
	Country      string `help:"Country, as its code of two letters (ISO 3166)."`
	Province     string `help:"State or province."`
	City         string `help:"City."`
	Organization string `help:"Organization."`
	Sector       string `help:"Unit of the organization."`
}

// Run creates the certificate.
func (c *certCreate) Run(ctx context.Context) error {
	return issuing(ctx, c.issuingFlags, "cert create", func(ctx context.Context, s *service.Services) error {
		ca, err := caKind(s).id(ctx, c.CA)
		if err != nil {
			return err
		}
		key, err := c.spec(ctx)
		if err != nil {
			return err
		}
		cert, err := s.Certificates.CreateServer(ctx, domain.ServerSpec{
			CAID: ca, Name: c.Name, AltNames: c.AltName, Subject: subjectFlags(c.serverSubject).subject(),
			Password: key.Password, Expiration: c.Expires.days(), KeyAlgorithm: key.Algorithm, Request: key.Request,
		})
		if err != nil {
			return err
		}
		return showCertificate(ctx, s, c.form, cert)
	})
}

type certRegister struct {
	app.StorageConfig
	form
	CA            string `name:"ca" required:"" placeholder:"CA" help:"CA that has signed it: its name or id."`
	Cert          string `required:"" placeholder:"FILE" help:"File with the certificate in PEM."`
	Key           string `placeholder:"FILE" help:"File with its private key in PEM."`
	PasswordStdin bool   `help:"Read the password of the key from the first line of the standard input."`
}

// Run registers the certificate.
func (c *certRegister) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "cert register", func(ctx context.Context, s *service.Services) error {
		ca, err := caKind(s).id(ctx, c.CA)
		if err != nil {
			return err
		}
		in := domain.CertificateImport{CAID: ca}
		if in.Certificate, err = readInput(c.Cert); err != nil {
			return err
		}
		in.Certificate = firstBlock(in.Certificate)
		if c.Key != "" {
			key, err := readInput(c.Key)
			if err != nil {
				return err
			}
			in.Key = domain.Secret(key)
		}
		if c.PasswordStdin {
			if in.Password, err = stdinPassword(); err != nil {
				return err
			}
		}
		made, err := s.Certificates.Register(ctx, in)
		if err != nil {
			return err
		}
		return showCertificate(ctx, s, c.form, made)
	})
}

type certPEM struct {
	app.StorageConfig
	outFile
	Certificate string `arg:"" help:"Id, serial or SHA-256 of the certificate."`
}

// Run writes the certificates.
func (c *certPEM) Run(ctx context.Context) error {
	return onCertificate(ctx, c.StorageConfig, "cert pem", c.Certificate,
		func(ctx context.Context, s *service.Services, cert domain.Certificate) error {
			return c.fetch(func() ([]byte, error) { return s.Certificates.PEM(ctx, cert.ID) })
		})
}

type certKey struct {
	app.StorageConfig
	secretFile
	Certificate string `arg:"" help:"Id, serial or SHA-256 of the certificate."`
}

// Run writes the private key.
func (c *certKey) Run(ctx context.Context) error {
	return onCertificate(ctx, c.StorageConfig, "cert key", c.Certificate,
		func(ctx context.Context, s *service.Services, cert domain.Certificate) error {
			return c.fetch(func() ([]byte, error) { return s.Certificates.Key(ctx, cert.ID) })
		})
}

type certP12 struct {
	app.StorageConfig
	secretFile
	passwordSource
	Profile     pki.PKCS12Profile `enum:"modern,legacy" default:"modern" help:"Encryption: modern (AES), or legacy (3DES) for old programs."`
	Certificate string            `arg:"" help:"Id, serial or SHA-256 of the certificate."`
}

// Run writes the PKCS#12 file. When the key is encrypted, the password has to be that of the key.
func (c *certP12) Run(ctx context.Context) error {
	return onCertificate(ctx, c.StorageConfig, "cert p12", c.Certificate,
		func(ctx context.Context, s *service.Services, cert domain.Certificate) error {
			return c.fetch(func() ([]byte, error) {
				password, err := c.password(ctx, "Password of the file")
				if err != nil {
					return nil, err
				}
				return s.Certificates.PKCS12(ctx, cert.ID, c.Profile, password)
			})
		})
}

type certRevoke struct {
	app.StorageConfig
	confirmation
	revocationFlags
	form
	CA          string `name:"ca" required:"" placeholder:"CA" help:"CA that has signed it: its name or id."`
	Serial      string `required:"" xor:"which" placeholder:"SERIAL" help:"Its serial; in hex, or in decimal."`
	Cert        string `required:"" xor:"which" placeholder:"FILE" help:"File with the certificate in PEM, which is listed from then on."`
	RevokedDate date   `placeholder:"DATE" help:"Since when it is revoked (default: now)."`
}

// firstBlock leaves out what follows a certificate in its file: that of its CA.
func firstBlock(text []byte) []byte {
	if block, _ := pem.Decode(text); block != nil {
		return pem.EncodeToMemory(block)
	}
	return text
}

// revokedRecord is a revocation as the API answers with it.
type revokedRecord struct {
	CAID             int64   `json:"ca_id" table:"CA"`
	Serial           string  `json:"serial" table:"SERIAL"`
	CertificateID    *int64  `json:"certificate_id" table:"CERTIFICATE"`
	ClientID         *int64  `json:"client_id" table:"CLIENT"`
	RevokedAt        stamp   `json:"revoked_at" table:"REVOKED"`
	RevocationReason *string `json:"revocation_reason" table:"REASON"`
	InvalidityDate   stamp   `json:"invalidity_date"`
}

// Run revokes the certificate, and shows the revocation.
func (c *certRevoke) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "cert revoke", caKind, c.CA,
		func(ctx context.Context, s *service.Services, ca domain.CA) error {
			spec := domain.SerialRevocation{
				Serial: c.Serial, RevokedAt: c.RevokedDate.orNil(), RevocationSpec: c.spec(),
			}
			if c.Cert != "" {
				var err error
				if spec.Certificate, err = readInput(c.Cert); err != nil {
					return err
				}
				spec.Certificate = firstBlock(spec.Certificate)
			}
			if err := c.confirm(ctx, "Revoke this certificate of %s for good?", caKind(s).call(ca)); err != nil {
				return err
			}
			done, err := s.CAs.RevokeSerial(ctx, ca.ID, spec)
			if err != nil {
				return err
			}
			return show(c.form, revokedRecord{
				CAID: done.CAID, Serial: done.Serial, CertificateID: optional(done.CertificateID),
				ClientID: optional(done.ClientID), RevokedAt: stamp(done.RevokedAt),
				RevocationReason: revocationReason(true, done.Reason), InvalidityDate: stamp(done.InvalidSince),
			})
		})
}
