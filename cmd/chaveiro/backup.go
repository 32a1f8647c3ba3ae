package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

type backup struct {
	app.StorageConfig
	File  string `arg:"" help:"The file to write; it appears when it is whole and checked."`
	Force bool   `help:"Replace the file when it exists."`
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
	File         string   `arg:"" optional:"" help:"A file that chaveiro backup has made (SQLite)."`
	Accept       bool     `help:"Accept the database as it is now, after pg_restore or a recovery to a point in time."`
	SinceFrom    string   `name:"since-from" placeholder:"DATABASE" help:"A database, path or URL, that knows what was done since the backup (default: the SQLite file that is replaced)."`
	CRL          []string `name:"crl" sep:"none" placeholder:"FILE" help:"The CRL of a CA that was published last: what it lists stays revoked. Repeat it for every CA, and for older lists with more on them."`
	RevokeIssued bool     `name:"revoke-issued" help:"Revoke the certificates that were issued since the backup: the restored database can't manage them."`
	AcceptLoss   bool     `name:"accept-loss" help:"Go on although it is not known what was revoked since the backup."`
}

var errRestoreWhat = errors.New("say which FILE to restore, or --accept for a database that was restored by other means")

// Run restores.
func (c *restore) Run(ctx context.Context) error {
	if (c.File == "") != c.Accept {
		return errRestoreWhat
	}
	c.MasterKey = masterKey()
	options := app.RestoreOptions{SinceFrom: c.SinceFrom, CRLs: c.CRL, RevokeIssued: c.RevokeIssued, AcceptLoss: c.AcceptLoss}
	log := logger(slog.LevelWarn)
	var result app.RestoreResult
	var err error
	if c.Accept {
		result, err = app.AcceptRestored(ctx, c.StorageConfig, options, log)
	} else {
		result, err = app.RestoreFile(ctx, c.StorageConfig, c.File, options, log)
	}
	if result.Damaged != nil {
		fmt.Fprintf(os.Stderr, "the database that was there can't be read, so it can't tell what was done since the backup: %v\n", result.Damaged)
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

const howToKnow = "nothing was changed. Say --since-from with a database that knows it, or --crl with the last CRL file of each of them (as OpenVPN " +
	"servers have it), beside any older one that has more on it; or --accept-loss: then what was revoked since works again until you revoke it again"

func printRestored(out io.Writer, result app.RestoreResult) {
	if !result.Manifest.MadeAt.IsZero() {
		fmt.Fprintf(out, "restored the backup of %s\n", moment(result.Manifest.MadeAt))
	}
	if result.Aside != "" {
		fmt.Fprintf(out, "the database before is %s\n", result.Aside)
	}
	for _, one := range result.CAs {
		printRestoredCA(out, one)
	}
	for _, gone := range result.Gone {
		fmt.Fprintf(out, "CA %q was made since and is gone: its certificates can't be revoked any more, take it out of your OpenVPN servers\n", gone.Name)
	}
	for _, e := range result.Access {
		fmt.Fprintf(out, "undone: %s %s of %s %d %q by %q\n", moment(e.At), e.Action, e.Resource, e.ResourceID, e.ResourceName, e.ActorName)
	}
	if !result.Lost {
		fmt.Fprintln(out, "not known: which certificates were issued since, and what was changed of apikeys, users, roles and authorizations")
	}
	fmt.Fprintln(out, "all sessions and access tokens have ended; apikeys have the tokens that they had then. Fetch the CRLs anew everywhere.")
}

func printRestoredCA(out io.Writer, one pki.RestoredCA) {
	fmt.Fprintf(out, "CA %d %q: the CRL number was %d and goes on above %d, %d revocations were added\n",
		one.ID, one.Name, one.NumberWas, one.Number, one.Revocations)
	if !one.Known {
		fmt.Fprintf(out, "CA %d %q: not known: what was revoked since the backup. It works again until you revoke it again\n", one.ID, one.Name)
	}
	for _, issued := range one.Issued {
		state := "it is valid and can't be managed here; --revoke-issued would have revoked it"
		if issued.Revoked {
			state = "it is revoked"
		}
		fmt.Fprintf(out, "CA %d: certificate %s of %q was issued since, until %s: %s\n", one.ID, issued.Serial, issued.Client, moment(issued.NotAfter), state)
	}
}
