package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

type backup struct {
	app.StorageConfig
	File  string `arg:"" help:"The file to write; it appears only when it is complete and checked."`
	Force bool   `help:"Replace an existing file."`
	JSON  bool   `name:"json" help:"Print what is in the backup as JSON."`
}

// Run makes the backup.
func (c *backup) Run(ctx context.Context) error {
	c.MasterKey = masterKey()
	manifest, err := app.Backup(ctx, c.StorageConfig, c.File, c.Force)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(manifest)
	}
	manifest.Print(os.Stdout)
	return nil
}

type restore struct {
	app.StorageConfig
	File         string   `arg:"" optional:"" help:"A file made by chaveiro backup (SQLite)."`
	Accept       bool     `help:"Accept the database as it is now, after pg_restore or a recovery to a point in time."`
	SinceFrom    string   `name:"since-from" placeholder:"DATABASE" help:"Path or URL of a database that has the changes made since the backup (default: the SQLite file that is replaced)."`
	CRL          []string `name:"crl" sep:"none" placeholder:"FILE" help:"The last published CRL of a CA: what it lists stays revoked. Repeat it for every CA, and for older CRLs that list more."`
	RevokeIssued bool     `name:"revoke-issued" help:"Revoke the certificates that were issued since the backup: the restored database can't manage them."`
	AcceptLoss   bool     `name:"accept-loss" help:"Continue although it is not known what was revoked since the backup."`
}

var errRestoreWhat = errors.New(
	"say which FILE to restore, or --accept for a database that was restored by other means",
)

// Run restores the backup, or accepts the database.
func (c *restore) Run(ctx context.Context) error {
	if (c.File == "") != c.Accept {
		return errRestoreWhat
	}
	c.MasterKey = masterKey()
	options := app.RestoreOptions{
		SinceFrom: c.SinceFrom, CRLs: c.CRL, RevokeIssued: c.RevokeIssued, AcceptLoss: c.AcceptLoss,
	}
	log := logger(slog.LevelWarn)
	var result app.RestoreResult
	var err error
	if c.Accept {
		result, err = app.AcceptRestored(ctx, c.StorageConfig, options, log)
	} else {
		result, err = app.RestoreFile(ctx, c.StorageConfig, c.File, options, log)
	}
	if result.Damaged != nil {
		fmt.Fprintf(
			os.Stderr,
			"the database to be replaced can't be read, so it does not show what was done since the backup: %v\n",
			result.Damaged,
		)
	}
	if unknown, ok := errors.AsType[*pki.UnknownSinceError](err); ok {
		return fmt.Errorf("%w: %s", unknown, howToKnow)
	}
	if err != nil {
		return err
	}
	printRestored(os.Stdout, result)
	return nil
}

const howToKnow = "nothing was changed. Pass --since-from with a database that has the revocations, or --crl with the last CRL file of each CA (as OpenVPN " +
	"servers have it) and with any older CRL that lists more; or --accept-loss: then what was revoked since works again until you revoke it again"

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func printRestored(out io.Writer, result app.RestoreResult) {
	if !result.Manifest.MadeAt.IsZero() {
		fmt.Fprintf(out, "restored the backup of %s\n", moment(result.Manifest.MadeAt))
	}
	if result.Aside != "" {
		fmt.Fprintf(out, "the replaced database is kept as %s\n", result.Aside)
	}
	for _, one := range result.CAs {
		printRestoredCA(out, one)
	}
	for _, gone := range result.Gone {
		fmt.Fprintf(
			out,
			"CA %q was made since and is gone: its certificates can't be revoked any more, take it out of your OpenVPN servers\n", gone.Name,
		)
	}
	for _, e := range result.Access {
		fmt.Fprintf(
			out, "undone: %s %s of %s %d %q by %q\n", moment(e.At), e.Action, e.Resource, e.ResourceID, e.ResourceName,
			e.ActorName,
		)
	}
	if !result.Lost {
		fmt.Fprintln(
			out,
			"not known: which certificates were issued since, and what was changed of apikeys, users, roles and authorizations",
		)
	}
	fmt.Fprintln(
		out,
		"all sessions and access tokens have ended; apikeys have the tokens of the restored database. Fetch the CRLs again everywhere.",
	)
}

func printRestoredCA(out io.Writer, one pki.RestoredCA) {
	fmt.Fprintf(out, "CA %d %q: the CRL number was %d and goes on above %d, %d revocations were added\n",
		one.ID, one.Name, one.NumberWas, one.Number, one.Revocations)
	if !one.Known {
		fmt.Fprintf(
			out, "CA %d %q: not known: what was revoked since the backup. It works again until you revoke it again\n",
			one.ID, one.Name,
		)
	}
	if one.Renewed {
		fmt.Fprintf(
			out, "CA %d %q: it was renewed since, and has its earlier certificate again: renew it again\n", one.ID, one.Name,
		)
	}
	if one.Overlaps > 0 {
		fmt.Fprintf(
			out, "CA %d %q: %d certificates were renewed since and end with their overlaps\n", one.ID, one.Name,
			one.Overlaps,
		)
	}
	for _, issued := range one.Issued {
		state := "it is valid and can't be managed here; --revoke-issued would have revoked it"
		if issued.Revoked {
			state = "it is revoked"
		}
		fmt.Fprintf(
			out, "CA %d: certificate %s of %q was issued since, until %s: %s\n", one.ID, issued.Serial, issued.Client,
			moment(issued.NotAfter), state,
		)
	}
}
