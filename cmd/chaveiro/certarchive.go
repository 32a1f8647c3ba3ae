package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type certArchive struct {
	app.StorageConfig
	confirmation
	Keep   time.Duration `required:"" least:"30d" help:"How long after its end a certificate stays, for example 730d; at least 30d: a list that has the revocation may still be in use."`
	DryRun bool          `name:"dry-run" help:"Only say how many there are."`
}

// Run moves certificates that ended long ago to the archive.
func (c *certArchive) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "cert archive", func(ctx context.Context, s *service.Services) error {
		found, err := s.Archive.Count(ctx, c.Keep)
		if err != nil {
			return err
		}
		if c.DryRun {
			fmt.Printf("up to %d certificates would move, and %d clients with them\n", found.Certificates, found.Clients)
			return nil
		}
		err = c.confirm(
			ctx, "Move up to %d certificates that ended before %s to the archive, with %d clients, and delete their keys?",
			found.Certificates, moment(app.Now().Add(-c.Keep)), found.Clients,
		)
		if err != nil {
			return err
		}
		return c.move(ctx, s, found)
	})
}

func (c *certArchive) move(ctx context.Context, s *service.Services, found pki.ArchiveReport) error {
	bar := newProgressBar(os.Stderr)
	done, err := s.Archive.Run(ctx, c.Keep, func(r pki.ArchiveReport) {
		bar.show(int(r.Certificates), int(max(found.Certificates, r.Certificates)))
	})
	bar.end()
	if err == nil || done.Certificates > 0 {
		fmt.Printf("%d certificates moved to the archive, and %d clients with them\n", done.Certificates, done.Clients)
	}
	return err
}

type certArchived struct {
	List archivedList `cmd:"" help:"List the certificates in the archive; with --json each with its PEM."`
	Show archivedShow `cmd:"" help:"Show a certificate in the archive, with its PEM."`
}

// archivedRecord is a certificate in the archive as it is printed.
type archivedRecord struct {
	certificateRecord
	InvalidSince stamp           `json:"invalid_since"`
	ArchivedAt   stamp           `json:"archived_at" table:"ARCHIVED"`
	Client       json.RawMessage `json:"client"` // null: it was not the last one of its client
	PEM          string          `json:"pem"`
}

func archivedRecordOf(c domain.ArchivedCertificate) archivedRecord {
	record := archivedRecord{
		certificateRecord: certificateRecordAt(app.Now())(c.Certificate), InvalidSince: stamp(c.InvalidSince),
		ArchivedAt: stamp(c.ArchivedAt), Client: json.RawMessage("null"), PEM: string(pki.CertificatePEM(c.DER)),
	}
	if c.Client != "" {
		record.Client = json.RawMessage(c.Client)
	}
	return record
}

type archivedList struct {
	app.StorageConfig
	form
	CA     string `name:"ca" placeholder:"CA" help:"Only certificates of this CA: its name or id."`
	Name   string `placeholder:"NAME" help:"Only certificates with this common name."`
	Serial string `placeholder:"SERIAL" help:"Only certificates with this serial, in hex or decimal."`
}

// Run lists the archive.
func (c *archivedList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "cert archived list", func(ctx context.Context, s *service.Services) error {
		ca, err := optionalCA(ctx, s, c.CA)
		if err != nil {
			return err
		}
		serials, err := serialsOf(c.Serial)
		if err != nil {
			return err
		}
		filter := domain.ArchiveFilter{CAID: ca, Name: c.Name, Serials: serials}
		page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.ArchivedCertificate], error) {
			return s.Archive.Page(ctx, filter, request)
		}
		return list(ctx, c.form, page, archivedRecordOf)
	})
}

type archivedShow struct {
	app.StorageConfig
	form
	Certificate string `arg:"" help:"Serial or SHA-256 of the certificate."`
}

// Run shows a certificate in the archive.
func (c *archivedShow) Run(ctx context.Context) error {
	filter := domain.ArchiveFilter{Fingerprint: plainHex(c.Certificate)}
	if octets, err := hex.DecodeString(filter.Fingerprint); err != nil || len(octets) != 32 {
		serials, err := pki.ReadSerial(c.Certificate)
		if err != nil {
			return misuse("%q is neither a serial nor a SHA-256 in hex", c.Certificate)
		}
		filter = domain.ArchiveFilter{Serials: serials}
	}
	return command(ctx, c.StorageConfig, "cert archived show", func(ctx context.Context, s *service.Services) error {
		page, err := s.Archive.Page(ctx, filter, domain.PageRequest{Size: 2})
		switch {
		case err != nil:
			return err
		case len(page.Items) == 0:
			return notFound("there is no certificate %s in the archive", c.Certificate)
		case len(page.Items) > 1:
			return misuse("more than one CA has signed a certificate with that serial: give its SHA-256")
		}
		return show(c.form, archivedRecordOf(page.Items[0]))
	})
}
