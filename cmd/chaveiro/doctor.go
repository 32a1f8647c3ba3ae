package main

import (
	"context"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
)

type doctor struct {
	app.StorageConfig
	form
	TLSCertificate string        `name:"tls-certificate" env:"CHAVEIRO_TLS_CERTIFICATE" help:"PEM file with the server's certificate chain."`
	TLSKey         string        `name:"tls-key" env:"CHAVEIRO_TLS_KEY" help:"PEM file with the server's private key."`
	ExternalURL    app.URL       `name:"external-url" env:"CHAVEIRO_EXTERNAL_URL" help:"URL under which clients reach the service."`
	Backup         string        `placeholder:"FILE" help:"The last backup of SQLite: it must be whole and of this database's master key."`
	BackupAge      time.Duration `name:"backup-age" default:"26h" help:"Age up to which the backup is good."`
	Deep           bool          `help:"Read the whole SQLite file, and look for damage."`
}

// findingRecord is a finding as it is printed.
type findingRecord struct {
	Check  string `json:"check" table:"CHECK"`
	Level  string `json:"level" table:"LEVEL"`
	Text   string `json:"text" table:"FOUND"`
	Remedy string `json:"remedy" table:"REMEDY"`
}

// Run prints what is found. It is an error when something fails.
func (c *doctor) Run(ctx context.Context) error {
	c.MasterKey = masterKey()
	config := app.Config{
		StorageConfig: c.StorageConfig, TLSCertificate: c.TLSCertificate, TLSKey: c.TLSKey, ExternalURL: c.ExternalURL,
	}
	found := app.Doctor(ctx, config, app.DoctorOptions{Backup: c.Backup, BackupAge: c.BackupAge, Deep: c.Deep})
	var failed error
	for _, one := range found {
		if one.Level == app.Failed {
			failed = errors.New("something needs you")
		}
	}
	return errors.Join(printAll(c.form, found, findingRecordOf), failed)
}

func findingRecordOf(f app.Finding) findingRecord {
	return findingRecord{f.Check, string(f.Level), f.Text, f.Remedy}
}
