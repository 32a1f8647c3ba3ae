package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type exportCommands struct {
	PKI exportPKI `cmd:"" name:"pki" help:"Write the PKI of a CA as easy-rsa 3 has it: certificates, keys, index, list."`
}

type exportPKI struct {
	app.StorageConfig
	CA              string        `required:"" name:"ca" help:"Name or id of the CA."`
	WithoutKeys     bool          `help:"Leave out all private keys."`
	CAPasswordStdin bool          `name:"ca-password-stdin" help:"Encrypt the key of the CA with the password on the first line of the standard input."`
	CRLLife         time.Duration `name:"crl-life" env:"CHAVEIRO_CRL_LIFE" least:"1h" default:"720h" help:"Life of a revocation list that has to be signed; give the one of the server."`
	Dir             string        `arg:"" help:"Directory to make. It appears when it is complete."`
}

// Run writes the PKI.
func (c *exportPKI) Run(ctx context.Context) error {
	what := pki.PKIExport{WithoutKeys: c.WithoutKeys}
	var err error
	if c.CAPasswordStdin {
		if what.CAPassword, err = stdinPassword(); err != nil {
			return err
		}
	}
	config := app.Config{StorageConfig: c.StorageConfig, CRLLife: c.CRLLife}
	return onWith(ctx, config, "export pki", caKind, c.CA, func(ctx context.Context, s *service.Services, a domain.CA) error {
		what.CAID = a.ID
		report, err := c.write(ctx, s, what)
		if err == nil {
			fmt.Printf("%d certificates and %d keys, %d serials on the list\n", report.Certificates, report.Keys,
				report.Revoked)
		}
		return err
	})
}

// write makes the directory beside its place and renames it, so that it is whole or not there.
func (c *exportPKI) write(ctx context.Context, s *service.Services, what pki.PKIExport) (pki.ExportReport, error) {
	dir := filepath.Clean(c.Dir)
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return pki.ExportReport{}, errors.Join(refused("%s exists", dir), err)
	}
	draft, err := os.MkdirTemp(filepath.Dir(dir), ".chaveiro-*")
	if err != nil {
		return pki.ExportReport{}, err
	}
	defer os.RemoveAll(draft) // there is none when it was renamed
	for _, name := range pki.ExportDirs {
		if err := os.MkdirAll(filepath.Join(draft, filepath.FromSlash(name)), 0o700); err != nil {
			return pki.ExportReport{}, err
		}
	}
	report, err := s.Exports.Run(ctx, what, func(f pki.ExportedFile) error { return writeExported(draft, f) })
	if err != nil {
		return report, err
	}
	return report, os.Rename(draft, dir)
}

func writeExported(dir string, f pki.ExportedFile) error {
	path, mode := filepath.Join(dir, filepath.FromSlash(f.Name)), publicMode
	if f.Secret {
		mode = secretMode
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return writeFile(path, f.Content, false, mode)
}
