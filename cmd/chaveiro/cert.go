package main

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type certCommands struct {
	List     certList     `cmd:"" help:"List the certificates: of clients, of servers, and those made elsewhere."`
	Show     certShow     `cmd:"" help:"Show a certificate."`
	Create   certCreate   `cmd:"" help:"Create the certificate of an OpenVPN server with its key, and show it."`
	Register certRegister `cmd:"" help:"Make a certificate known that the CA has signed elsewhere, and that belongs to no client."`
	PEM      certPEM      `cmd:"" name:"pem" help:"Write a certificate, followed by that of its CA, in PEM."`
	Key      certKey      `cmd:"" help:"Write the private key of a certificate in PEM."`
	P12      certP12      `cmd:"" name:"p12" help:"Write key and certificates as one PKCS#12 file, protected by a password."`
	Archive  certArchive  `cmd:"" help:"Move certificates that ended long ago to the archive, where they are in no list, and delete their keys."`
	Archived certArchived `cmd:"" help:"Look at the archive."`
	Revoke   certRevoke   `cmd:"" help:"Revoke one certificate of a CA, known here or not. This can't be undone."`
}

// expiryFlags select by the end of a certificate.
type expiryFlags struct {
	ExpiresBefore point  `placeholder:"WHEN" help:"Only what ends before: in 90d, or a date as 2027-01-31."`
	ExpiresAfter  point  `placeholder:"WHEN" help:"Only what ends then or later."`
	Sort          string `enum:",id,expiry" default:"" placeholder:"ORDER" help:"id or expiry (default: id; expiry for what ends before or after)."`
}

// span returns the bounds as seen at the time now, and the order.
func (f expiryFlags) span(now time.Time) (from, to time.Time, byExpiry bool) {
	byExpiry = f.Sort == "expiry" || f.Sort == "" && (f.ExpiresAfter.given || f.ExpiresBefore.given)
	return f.ExpiresAfter.time(now), f.ExpiresBefore.time(now), byExpiry
}

// optionalCA returns the id of a CA; 0 for none.
func optionalCA(ctx context.Context, s *service.Services, argument string) (int64, error) {
	if argument == "" {
		return 0, nil
	}
	return caKind(s).id(ctx, argument)
}

// serialsOf returns the serials that a flag may mean; nil for none.
func serialsOf(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	return pki.ReadSerial(text)
}

type certList struct {
	app.StorageConfig
	form
	expiryFlags
	CA          string                 `name:"ca" placeholder:"CA" help:"Only certificates of this CA: its name or id."`
	Client      string                 `placeholder:"CLIENT" help:"Only certificates of this client: its name or id."`
	Kind        domain.CertificateKind `enum:",client,server,ca,foreign,ocsp" default:"" placeholder:"KIND" help:"Only those of clients, of servers, of CAs below another one (ca), made elsewhere (foreign), or of OCSP responders (ocsp)."`
	Name        string                 `placeholder:"NAME" help:"Only certificates with this common name."`
	Status      domain.Status          `enum:",valid,expired,revoked" default:"" placeholder:"STATUS" help:"Only certificates that are valid, expired or revoked."`
	Serial      string                 `placeholder:"SERIAL" help:"Only certificates with this serial, in hex or decimal."`
	Fingerprint string                 `placeholder:"SHA256" help:"Only the certificate with this SHA-256, in hex, with or without colons."`
}

// Run lists the certificates.
func (c *certList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "cert list", func(ctx context.Context, s *service.Services) error {
		ca, caErr := optionalCA(ctx, s, c.CA)
		serials, serialErr := serialsOf(c.Serial)
		filter := domain.CertificateFilter{
			CAID: ca, Kind: c.Kind, Status: c.Status, Name: c.Name, Serials: serials,
			Fingerprint: plainHex(c.Fingerprint),
		}
		filter.ExpiresAfter, filter.ExpiresBefore, filter.ByExpiry = c.span(app.Now())
		var clientErr error
		if c.Client != "" {
			filter.ClientID, clientErr = clientKind(s).id(ctx, c.Client)
		}
		if err := errors.Join(caErr, clientErr, serialErr); err != nil {
			return err
		}
		return listCertificates(ctx, s, c.form, filter)
	})
}

func listCertificates(ctx context.Context, s *service.Services, f form, filter domain.CertificateFilter) error {
	page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.Certificate], error) {
		return s.Certificates.Page(ctx, filter, request)
	}
	return list(ctx, f, page, certificateRecordAt(app.Now()))
}

// plainHex takes the colons out of a number in hex.
func plainHex(text string) string { return strings.ToLower(strings.ReplaceAll(text, ":", "")) }

// findCertificate returns the certificate that an argument names: by its id, if the argument has
// digits alone, otherwise by its SHA-256 or by its serial in hex.
func findCertificate(ctx context.Context, s *service.Services, argument string) (domain.Certificate, error) {
	var none domain.Certificate
	if id, ok := parseID(argument); ok {
		cert, err := s.Certificates.Get(ctx, id)
		if domain.IsKind(err, domain.Missing) {
			err = notFound("there is no certificate with the id %s", argument)
		}
		return cert, err
	}
	filter := domain.CertificateFilter{Fingerprint: plainHex(argument)}
	if octets, err := hex.DecodeString(filter.Fingerprint); err != nil || len(octets) != 32 {
		serials, err := pki.ReadSerial(argument)
		if err != nil {
			return none, misuse("%q is neither an id, nor a serial or a SHA-256 in hex", argument)
		}
		filter = domain.CertificateFilter{Serials: serials}
	}
	page, err := s.Certificates.Page(ctx, filter, domain.PageRequest{Size: 2})
	switch {
	case err != nil:
		return none, err
	case len(page.Items) == 0:
		return none, notFound("there is no certificate %s", argument)
	case len(page.Items) > 1:
		return none, misuse("more than one CA has signed a certificate with that serial: give an id")
	}
	return s.Certificates.Get(ctx, page.Items[0].ID)
}

// onCertificate runs do on the certificate that an argument names.
func onCertificate(
	ctx context.Context, storage app.StorageConfig, name, argument string,
	do func(context.Context, *service.Services, domain.Certificate) error,
) error {
	return command(ctx, storage, name, func(ctx context.Context, s *service.Services) error {
		cert, err := findCertificate(ctx, s, argument)
		if err != nil {
			return err
		}
		return do(ctx, s, cert)
	})
}

type certShow struct {
	app.StorageConfig
	form
	Certificate string `arg:"" help:"Id, serial or SHA-256 of the certificate."`
}

// Run shows a certificate.
func (c *certShow) Run(ctx context.Context) error {
	return onCertificate(ctx, c.StorageConfig, "cert show", c.Certificate,
		func(ctx context.Context, s *service.Services, cert domain.Certificate) error {
			return showCertificate(ctx, s, c.form, cert)
		})
}

func showCertificate(ctx context.Context, s *service.Services, f form, cert domain.Certificate) error {
	shown, err := certificateShownOf(ctx, s, cert, certificateRecordAt(app.Now())(cert))
	if err != nil {
		return err
	}
	return show(f, shown)
}
