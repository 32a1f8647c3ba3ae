package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
)

type masterKeyCommands struct {
	Status masterKeyStatus `cmd:"" help:"List the master keys, which one seals, and which server has which."`
	Add    masterKeyAdd    `cmd:"" help:"Make the next master key and put it into the key file. It seals nothing before rotate."`
	Rotate masterKeyRotate `cmd:"" help:"Make the newest master key seal, and seal anew what earlier ones have sealed, while servers run. A broken off rotation goes on."`
	Remove masterKeyRemove `cmd:"" help:"Take a master key out of the key file that the database does not need any more. Backups made before do."`
	Wrap   wrapMasterKey   `cmd:"" help:"Write the master key wrapped under a key in a key store: a file for --master-key-file."`
	Unwrap unwrapMasterKey `cmd:"" help:"Write the master key itself, as it was before it was wrapped."`
}

type masterKeyAdd struct {
	app.StorageConfig
	Print bool `help:"Print the line of the new key in place of putting it into the file: for a file that is made by other means."`
}

// Run makes the key.
func (c *masterKeyAdd) Run(ctx context.Context) error {
	c.MasterKey = masterKey()
	added, err := app.AddMasterKey(ctx, app.Config{StorageConfig: c.StorageConfig}, c.Print, logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	if added.Line != nil {
		fmt.Fprintf(
			os.Stderr, "the master key %d (fingerprint %s) is the next line: put it beside the others, in the file or in "+
				"CHAVEIRO_MASTER_KEY (after a line break or a comma), on all servers; then `chaveiro master-key rotate`\n",
			added.Version, added.Fingerprint,
		)
		_, err := os.Stdout.Write(added.Line)
		return err
	}
	fmt.Printf(
		"the master key %d (fingerprint %s) is in %s and seals nothing yet. Copy the file to a safe place and to all "+
			"servers, then `chaveiro master-key rotate`\n", added.Version, added.Fingerprint, added.File,
	)
	return nil
}

type masterKeyRotate struct {
	app.StorageConfig
	Force  bool          `help:"Begin although a server that runs lacks the key: it answers errors until it has it."`
	Hurry  bool          `help:"Without rests: faster, and requests are slower meanwhile."`
	Wait   time.Duration `default:"30s" least:"0s" help:"How long to wait for servers that do not have the key yet (0: not at all)."`
	Follow time.Duration `placeholder:"DURATION" help:"How long to wait at the end for servers that do not seal with it yet (default: until one that has died does not count any more, 100 s)."`
}

// Run rotates the master key.
func (c *masterKeyRotate) Run(ctx context.Context) error {
	c.MasterKey = masterKey()
	line := newRateLine(os.Stderr)
	options := app.RotateOptions{
		Force: c.Force, Hurry: c.Hurry, Wait: c.Wait, Follow: c.Follow,
		Show: func(p masterkey.Progress) { line.show(string(p.Kind), p.Done, p.Total) },
	}
	done, err := app.RotateMasterKey(
		ctx, app.Config{StorageConfig: c.StorageConfig}, options, logger(slog.LevelWarn),
	)
	line.end()
	if err != nil {
		return fmt.Errorf("%w (%d values were sealed anew; keep the earlier keys)", err, done.Resealed)
	}
	if !done.Begun && done.Resealed == 0 {
		fmt.Printf("the master key %d seals everything: `chaveiro master-key add` makes the next one\n", done.Version)
		return nil
	}
	fmt.Printf(
		"the master key %d seals everything: %d values were sealed anew. Earlier keys open the backups made before: "+
			"`chaveiro master-key remove` keeps them apart, %s after the beginning\n", done.Version, done.Resealed,
		masterkey.SettleFor,
	)
	return nil
}

type masterKeyRemove struct {
	app.StorageConfig
	confirmation
	Version uint32 `arg:"" help:"The version of the key."`
	Keep    string `xor:"what" placeholder:"FILE" help:"A new file for the key (mode 0600): backups made before the rotation need it."`
	Discard bool   `xor:"what" help:"Keep it nowhere: backups made before the rotation can't be opened any more."`
}

// Run removes the key.
func (c *masterKeyRemove) Run(ctx context.Context) error {
	c.MasterKey = masterKey()
	if c.Keep == "" && !c.Discard && c.MasterKey == "" {
		return misuse("say --keep FILE, because backups made before the rotation need the key, or --discard")
	}
	if c.Discard {
		const question = "Throw the master key %d away? Backups made before the rotation can't be opened any more."
		if err := c.confirm(ctx, question, c.Version); err != nil {
			return err
		}
	}
	options := app.RemoveOptions{Version: c.Version, Keep: c.Keep, Discard: c.Discard}
	config := app.Config{StorageConfig: c.StorageConfig}
	removed, err := app.RemoveMasterKey(ctx, config, options, logger(slog.LevelWarn))
	if why, ok := errors.AsType[*masterkey.NeededError](err); ok {
		return refused("%v", why)
	}
	if errors.Is(err, app.ErrNoMasterKey) {
		return notFound("%v", err)
	}
	switch {
	case err != nil:
		return err
	case !removed:
		fmt.Printf("the database does not need the master key %d: take it out of CHAVEIRO_MASTER_KEY\n", c.Version)
	case c.Discard:
		fmt.Printf("the master key %d is gone\n", c.Version)
	default:
		fmt.Printf("the master key %d is in %s, and here no more\n", c.Version, c.Keep)
	}
	return nil
}

type masterKeyStatus struct {
	app.StorageConfig
	form
	Count   bool `help:"Count the values that each key has sealed: reads every row."`
	Servers bool `help:"List the servers that run, with the keys that they have."`
}

// keyRecord is a master key as it is printed.
type keyRecord struct {
	Version     uint32 `json:"version" table:"VERSION"`
	Fingerprint string `json:"fingerprint" table:"FINGERPRINT"`
	State       string `json:"state" table:"STATE"`
	Here        bool   `json:"here" table:"HERE"`
	Servers     int    `json:"servers" table:"SERVERS"`
	Since       string `json:"since" table:"SINCE"`
	Ended       string `json:"ended" table:"ENDED"`
	Values      *int64 `json:"values" table:"VALUES"`
}

// keyServerRecord is a server as it is printed.
type keyServerRecord struct {
	Name    string `json:"name" table:"SERVER"`
	Keys    string `json:"keys" table:"KEYS"`
	Sealing uint32 `json:"sealing" table:"SEALING"`
	Seen    string `json:"seen" table:"SEEN"`
}

// Run prints the keys or the servers.
func (c *masterKeyStatus) Run(ctx context.Context) error {
	c.MasterKey = masterKey()
	state, err := app.MasterKeys(
		ctx, app.Config{StorageConfig: c.StorageConfig}, c.Count, logger(slog.LevelWarn),
	)
	if err != nil {
		return err
	}
	if c.Servers {
		return printAll(c.form, state.Servers, keyServerRecordOf)
	}
	return printAll(c.form, state.Keys, func(k app.KeyState) keyRecord { return keyRecordOf(k, state) })
}

func keyServerRecordOf(h domain.KeyHolder) keyServerRecord {
	keys := ""
	for _, version := range slices.Sorted(maps.Keys(h.Keys)) {
		keys += fmt.Sprintf(" %d:%s", version, h.Keys[version])
	}
	return keyServerRecord{h.Name, keys[min(1, len(keys)):], h.Sealing, moment(h.SeenAt)}
}

func keyRecordOf(k app.KeyState, state app.MasterKeyState) keyRecord {
	r := keyRecord{
		Version: k.Version, Fingerprint: k.Fingerprint, Here: k.Here, Since: someMoment(k.Since),
		Ended: someMoment(k.EndedAt), State: "opens",
	}
	switch {
	case k.Version == state.Sealing && k.EndedAt.IsZero():
		r.State = "seals, rotation has not ended"
	case k.Version == state.Sealing:
		r.State = "seals"
	case k.Version > state.Sealing:
		r.State = "waits for rotate"
	}
	for _, h := range state.Servers {
		if h.Keys[k.Version] == k.Fingerprint {
			r.Servers++
		}
	}
	if state.Counts != nil {
		n := state.Counts.Of(k.Version)
		r.Values = &n
	}
	return r
}

func someMoment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return moment(t)
}
