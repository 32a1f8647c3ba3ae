package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// floorFile is the floor: the state that the database is known to have had, in a small file outside
// of it. An older database makes revoked certificates valid again, so a server does not start on
// one until an operator has accepted it. The file is sealed under the master key, and its text can
// be read.
type floorFile struct {
	State json.RawMessage `json:"state"` // State
	Seal  []byte          `json:"seal"`  // the SHA-256 of State, sealed
}

const floorContext = "floor"

func (s StorageConfig) floorFile() string {
	if s.FloorFile != "" {
		return s.FloorFile
	}
	return filepath.Join(s.DataDir, "floor.json")
}

// readFloor reads the floor; false means that there is none yet.
func readFloor(path string, keys *seal.Keyring) (State, bool, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, false, nil
	}
	var file floorFile
	var state State
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err == nil {
		err = checkFloorSeal(file, keys)
	}
	if err == nil {
		err = json.Unmarshal(file.State, &state)
	}
	if err != nil {
		return State{}, false, fmt.Errorf("the floor file %s: %w", path, err)
	}
	return state, true, nil
}

func checkFloorSeal(file floorFile, keys *seal.Keyring) error {
	sum, err := keys.Open(file.Seal, floorContext)
	if err != nil {
		return fmt.Errorf("it was not written with this master key: %w", err)
	}
	if want := sha256.Sum256(file.State); string(sum) != string(want[:]) {
		return errors.New("it was altered")
	}
	return nil
}

// floorVersion is the version of the master key that the floor was sealed with; 0: none.
func floorVersion(path string) uint32 {
	text, err := os.ReadFile(path)
	var file floorFile
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		return 0
	}
	version, _ := seal.VersionOf(file.Seal)
	return version
}

// resealFloor seals the floor anew if another version than the present one has sealed it. A server
// does so itself when it raises the floor.
func resealFloor(path string, keys *seal.Keyring) error {
	if version := floorVersion(path); version == 0 || version == keys.Version() {
		return nil
	}
	state, found, err := readFloor(path, keys)
	if err != nil || !found {
		return err
	}
	return writeFloor(path, state, keys)
}

// writeFloor replaces the floor completely or not at all.
func writeFloor(path string, state State, keys *seal.Keyring) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	if text, err = json.Marshal(floorFile{State: text, Seal: keys.Seal(sum[:], floorContext)}); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".floor-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(append(text, '\n'))
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// stateNow reads the state of the storage's database.
func stateNow(ctx context.Context, s StorageConfig, keys *seal.Keyring) (State, error) {
	db, err := store.OpenReading(ctx, s.Location())
	if err != nil {
		return State{}, err
	}
	state, err := readState(ctx, db, keys)
	return state, errors.Join(err, db.Close())
}

// below says in what a database is older than the floor, or that it has another history. A floor
// whose incarnation an operator has abandoned does not count.
func below(ctx context.Context, db *store.Store, state, floor State) ([]string, error) {
	incarnation, err := db.Histories().Incarnation(ctx)
	if err != nil || slices.Contains(incarnation.Abandoned, floor.Incarnation) {
		return nil, err
	}
	var found []string
	for _, known := range floor.CAs {
		at := slices.IndexFunc(state.CAs, known.is)
		// a missing CA may have had no certificates and been removed
		if at >= 0 && state.CAs[at].CRLNumber < known.CRLNumber {
			found = append(
				found,
				fmt.Sprintf(
					"of the CA %q the CRL number %d was published, and it has %d", known.Name, known.CRLNumber,
					state.CAs[at].CRLNumber,
				),
			)
		}
	}
	events, err := lostEvents(ctx, db, state, floor)
	if events > 0 {
		found = append(
			found, fmt.Sprintf("at least %d events of the audit are gone, or others are in their place", events),
		)
	}
	return found, err
}

// lostEvents counts the events that are known to be missing from the audit. Pruned events are not
// missing.
func lostEvents(ctx context.Context, db *store.Store, state, floor State) (lost int64, err error) {
	for _, known := range floor.Audit {
		at := slices.IndexFunc(state.Audit, func(end AuditEnd) bool { return end.Chain == known.Chain })
		switch {
		case known.Position == 0:
		case at < 0:
			lost += known.Position
		case state.Audit[at].Position < known.Position:
			lost += known.Position - state.Audit[at].Position
		default:
			events, err := db.Audit().After(ctx, known.Chain, known.Position-1, 1)
			if err != nil {
				return lost, err
			}
			if len(events) > 0 && events[0].Position == known.Position &&
				fmt.Sprintf("%x", events[0].Hash) != known.Hash {
				lost++
			}
		}
	}
	return lost, nil
}

// belowFloorError says in what a database is older than what was published from it.
type belowFloorError struct{ what []string }

func (e *belowFloorError) Error() string {
	return "the database is older than what was published from it: " + strings.Join(e.what, "; ") +
		". Certificates that were revoked since would be " +
		"good again. If it was restored on purpose, `chaveiro restore --accept` merges what was revoked: say --since-from with a database that knows it, " +
		"or --crl with the present list of every CA, as OpenVPN servers have it, and once more with each older list that has what the present one lacks"
}

// checkFloor refuses a database that is below the floor. It admits a new database that was asked
// for.
func checkFloor(ctx context.Context, s StorageConfig, storage *Storage) error {
	floor, found, err := readFloor(s.floorFile(), storage.Keys)
	if err != nil || !found {
		return err
	}
	state, err := stateNow(ctx, s, storage.Keys)
	if err != nil || s.Anew && len(state.CAs) == 0 && state.events() == 0 {
		return err
	}
	what, err := below(ctx, storage.Store, state, floor)
	if err == nil && len(what) > 0 {
		err = &belowFloorError{what}
	}
	return err
}

// floorInterval is how often the floor is raised, floorTimeout how long that may take.
const (
	floorInterval = 10 * time.Second
	floorTimeout  = 2 * time.Second
)

// keepFloor raises the floor while the server runs, and once more at its end.
func (s *Server) keepFloor(ctx context.Context) {
	ticker := time.NewTicker(floorInterval)
	defer ticker.Stop()
	var told string
	for more := true; more; {
		select {
		case <-ctx.Done():
			more = false
		case <-ticker.C:
		}
		err := raiseFloor(context.WithoutCancel(ctx), s.config.StorageConfig, s.storage)
		if err != nil && err.Error() != told {
			s.log.ErrorContext(ctx, "the floor was not raised", "error", err)
		}
		if told = ""; err != nil {
			told = err.Error()
		}
	}
}

// raiseFloor writes the state of the database to the floor, unless it is below the present floor.
func raiseFloor(ctx context.Context, s StorageConfig, storage *Storage) error {
	ctx, cancel := context.WithTimeout(ctx, floorTimeout)
	defer cancel()
	state, err := stateNow(ctx, s, storage.Keys)
	if err != nil {
		return err
	}
	floor, found, err := readFloor(s.floorFile(), storage.Keys)
	if err != nil || found && floor.equal(state) && floorVersion(s.floorFile()) == storage.Keys.Version() {
		return err
	}
	if found && !(s.Anew && floor.Incarnation != state.Incarnation) {
		what, err := below(ctx, storage.Store, state, floor)
		if err != nil {
			return err
		}
		if len(what) > 0 {
			return &belowFloorError{what}
		}
	}
	return writeFloor(s.floorFile(), state, storage.Keys)
}

func (s State) equal(other State) bool {
	return s.Incarnation == other.Incarnation && slices.Equal(s.CAs, other.CAs) && slices.Equal(s.Audit, other.Audit)
}
