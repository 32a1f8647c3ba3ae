package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// Manifest describes a backup. It is stored in the backup itself.
type Manifest struct {
	MadeAt time.Time `json:"made_at"`
	// fingerprints of the keys by version; the keys themselves are not in the backup
	MasterKey map[uint32]string `json:"master_key"`
	State
}

// State is the part of a database by which databases are compared.
type State struct {
	Schema      int64      `json:"schema"`
	Incarnation string     `json:"incarnation"` // the history of the database
	CAs         []StateCA  `json:"cas"`
	Audit       []AuditEnd `json:"audit"`
}

// StateCA is how far the CRLs of a CA have come.
type StateCA struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Certificate string `json:"certificate_sha256"`
	Key         string `json:"key_sha256,omitempty"` // empty: unknown, as in files of before
	CRLNumber   int64  `json:"crl_number"`
	Revocations int64  `json:"revocations"`
}

// is reports whether two states are of one CA: it has the same key, whatever its certificate is
// now.
func (c StateCA) is(other StateCA) bool {
	return c.Certificate == other.Certificate || c.Key != "" && c.Key == other.Key
}

// without leaves out of the state of a backup what an earlier version has not written into its
// manifest.
func (s State) without(manifest State) State {
	for i := range min(len(s.CAs), len(manifest.CAs)) {
		if manifest.CAs[i].Key == "" {
			s.CAs[i].Key = ""
		}
	}
	return s
}

// AuditEnd is where a chain of the audit ends.
type AuditEnd struct {
	Chain    int    `json:"chain"`
	Position int64  `json:"position"`
	Hash     string `json:"hash"`
}

// readState reads the state of a database, which the master key must open.
func readState(ctx context.Context, db *store.Reading, keys *seal.Keyring) (State, error) {
	schema, err := db.Schema(ctx)
	if err != nil {
		return State{}, err
	}
	if newest := store.NewestSchema(); schema > newest {
		return State{},
			fmt.Errorf(
				"its schema %d is newer than this program, which knows %d: use the version that made it, or a later one", schema, newest,
			)
	}
	if schema < minSchema {
		return State{}, fmt.Errorf("its schema %d is too old: start the server once, which migrates it", schema)
	}
	secrets, err := db.Secrets(ctx)
	if err == nil {
		err = service.CheckMasterKey(keys, secrets)
	}
	if err != nil {
		return State{}, err
	}
	cas, err := db.CAs(ctx)
	if err != nil {
		return State{}, err
	}
	ends, err := db.AuditEnds(ctx)
	if err != nil {
		return State{}, err
	}
	incarnation, err := db.Incarnation(ctx)
	state := State{Schema: schema, Incarnation: incarnation}
	for _, one := range cas {
		sum := sha256.Sum256(one.Certificate)
		state.CAs = append(
			state.CAs, StateCA{one.ID, one.Name, hex.EncodeToString(sum[:]), one.Key, one.CRLNumber, one.Revocations},
		)
	}
	for _, end := range ends {
		state.Audit = append(state.Audit, AuditEnd{end.Chain, end.Position, hex.EncodeToString(end.Hash[:])})
	}
	return state, err
}

// minSchema is the first schema that has an audit.
const minSchema = 2

// events is how many events the audit has had.
func (s State) events() (n int64) {
	for _, end := range s.Audit {
		n += end.Position
	}
	return n
}

// errAltered says that a backup has changed since it was made.
var errAltered = errors.New("it is not as it was made: its contents and its manifest differ")

// readManifest reads the manifest of a backup and compares it with the backup.
func readManifest(ctx context.Context, db *store.Reading, keys *seal.Keyring) (Manifest, error) {
	text, err := db.Manifest(ctx)
	if err != nil {
		return Manifest{}, err
	}
	if text == "" {
		return Manifest{},
			errors.New(
				"it was not made by `chaveiro backup`; if it is a database, `chaveiro backup --database-url ITS-PATH FILE` makes a backup of it",
			)
	}
	var manifest Manifest
	if err := json.Unmarshal([]byte(text), &manifest); err != nil {
		return Manifest{}, fmt.Errorf("its manifest: %w", err)
	}
	for version, fingerprint := range manifest.MasterKey {
		if own := keys.Fingerprints()[version]; own != fingerprint {
			return manifest,
				fmt.Errorf(
					"it was sealed with the master key %d:%s, and the present one is %s", version, fingerprint,
					fingerprints(keys),
				)
		}
	}
	state, err := readState(ctx, db, keys)
	if err == nil && !reflect.DeepEqual(state.without(manifest.State), manifest.State) {
		err = errAltered
	}
	return manifest, err
}

func fingerprints(keys *seal.Keyring) string { return printsText(keys.Fingerprints()) }

func printsText(prints map[uint32]string) string {
	var texts []string
	for version, fingerprint := range prints {
		texts = append(texts, fmt.Sprintf("%d:%s", version, fingerprint))
	}
	slices.Sort(texts)
	return fmt.Sprint(texts)
}

// Print writes the manifest in a readable form.
func (m Manifest) Print(out io.Writer) {
	fmt.Fprintf(out,
		"made at      %s\nschema       %d\nmaster key   %s (its fingerprint: the key itself is not in the backup, keep it apart)\n",
		m.MadeAt.Format(time.RFC3339), m.Schema, printsText(m.MasterKey))
	fmt.Fprintf(out, "incarnation  %s\n", m.Incarnation)
	fmt.Fprintf(out, "audit        %d events on %d chains\n", m.events(), len(m.Audit))
	for _, one := range m.CAs {
		fmt.Fprintf(
			out, "CA %-9d %q: CRL number %d, %d revocations\n", one.ID, one.Name, one.CRLNumber, one.Revocations,
		)
	}
}
