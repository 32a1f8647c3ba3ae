package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// AddedKey is a new version of the master key, which does not seal yet.
type AddedKey struct {
	Version     uint32
	Fingerprint string
	File        string // that has it now; empty: none, and the operator puts Line where the others are
	Line        []byte // secret; nil if it is in the file
}

// AddMasterKey makes a new version of the master key. It puts it into the key file, unless print is
// set or the key is in the environment. There may be one key at a time that does not seal yet.
func AddMasterKey(ctx context.Context, c Config, print bool, log *slog.Logger) (added AddedKey, err error) {
	err = withMasterKey(ctx, c, "add", log, func(_ context.Context, r *masterkey.Rotation) error {
		if print || c.MasterKey != "" {
			added, err = newKey(r.Keys.Version(), r.Keys)
			return err
		}
		added.File = c.masterKeyFile()
		return c.changeKeyFile(func(text []byte) ([]byte, error) {
			keys, err := seal.ParseKeyring(text) // another command may have changed it since
			if err != nil {
				return nil, err
			}
			one, err := newKey(r.Keys.Version(), keys)
			added.Version, added.Fingerprint = one.Version, one.Fingerprint
			return withLine(text, one.Line), err
		})
	})
	return added, err
}

// newKey makes the version after those that there are, unless one of them does not seal yet.
func newKey(sealing uint32, keys *seal.Keyring) (AddedKey, error) {
	if newest := keys.Newest(); newest > sealing {
		return AddedKey{}, fmt.Errorf(
			"the master key %d is here already, and does not seal yet: `chaveiro master-key rotate` begins with it", newest,
		)
	}
	one := AddedKey{Version: sealing + 1, Line: seal.GenerateLine(sealing + 1)}
	made, err := seal.ParseKeyring(one.Line)
	if err == nil {
		one.Fingerprint = made.Fingerprints()[one.Version]
	}
	return one, err
}

// withMasterKey runs a use case of the master key.
func withMasterKey(
	ctx context.Context, c Config, name string, log *slog.Logger,
	do func(context.Context, *masterkey.Rotation) error,
) error {
	return Command(ctx, c, "chaveiro master-key "+name, log, func(ctx context.Context, s *service.Services) error {
		return do(ctx, s.MasterKey)
	})
}

// MasterKeyState is which master keys there are and who has them.
type MasterKeyState struct {
	Keys    []KeyState // by ascending version
	Servers []domain.KeyHolder
	Sealing uint32           // the version that seals
	Counts  masterkey.Counts // nil: not counted
}

// KeyState is one version of the master key.
type KeyState struct {
	domain.MasterKey // without Since: it has never sealed
	Here             bool
}

// MasterKeys says which master keys there are. With count it reads all sealed values.
func MasterKeys(ctx context.Context, c Config, count bool, log *slog.Logger) (state MasterKeyState, err error) {
	err = withMasterKey(ctx, c, "status", log, func(ctx context.Context, r *masterkey.Rotation) error {
		known, err := r.Store.MasterKeys().All(ctx)
		if err != nil {
			return err
		}
		state.Sealing, state.Keys = r.Keys.Version(), keyStates(known, r.Keys.Fingerprints())
		if state.Servers, err = r.Holders(ctx); err != nil || !count {
			return err
		}
		state.Counts, err = masterkey.Count(ctx, r.Store)
		return err
	})
	return state, err
}

func keyStates(known []domain.MasterKey, here map[uint32]string) (list []KeyState) {
	for _, k := range known {
		_, has := here[k.Version]
		list = append(list, KeyState{k, has})
	}
	for version, print := range here {
		if !slices.ContainsFunc(known, func(k domain.MasterKey) bool { return k.Version == version }) {
			list = append(list, KeyState{domain.MasterKey{Version: version, Fingerprint: print, Remaining: -1}, true})
		}
	}
	slices.SortFunc(list, func(a, b KeyState) int { return int(int64(a.Version) - int64(b.Version)) })
	return list
}

// RemoveOptions say what becomes of a master key that is removed.
type RemoveOptions struct {
	Version uint32
	Keep    string // a new file for the key, mode 0600: backups need it
	Discard bool   // keep it nowhere
}

// ErrNoMasterKey says that a version of the master key is not here.
var ErrNoMasterKey = errors.New("there is no such master key here")

// RemoveMasterKey takes a version of the master key out of the key file when the database does not
// need it any more. It reports whether it did: it does not when the key is in the environment,
// whose operator has to do so. Errors: *masterkey.NeededError, ErrNoMasterKey; then
// nothing changes.
func RemoveMasterKey(ctx context.Context, c Config, o RemoveOptions, log *slog.Logger) (removed bool, err error) {
	err = withMasterKey(ctx, c, "remove", log, func(ctx context.Context, r *masterkey.Rotation) error {
		if _, here := r.Keys.Fingerprints()[o.Version]; !here {
			return fmt.Errorf("%w: version %d", ErrNoMasterKey, o.Version)
		}
		err := r.Retirable(ctx, o.Version)
		if err == nil {
			err = resealFloor(c.floorFile(), r.Keys)
		}
		if err == nil {
			err = r.Removed(ctx, o.Version)
		}
		if err != nil || c.MasterKey != "" {
			return err
		}
		removed = true
		return c.changeKeyFile(func(text []byte) ([]byte, error) { return takeOut(text, o) })
	})
	return removed && err == nil, err
}

// takeOut returns the text of a key file without a version, whose line it keeps as it is told.
func takeOut(text []byte, o RemoveOptions) ([]byte, error) {
	rest, line := seal.SplitLines(text, o.Version)
	if line == nil {
		return nil, fmt.Errorf("the master key %d is not in the file any more", o.Version)
	}
	if o.Discard {
		return rest, nil
	}
	if err := writeOnce(o.Keep, withLine(nil, append(line, '\n'))); err != nil {
		return nil, errors.Join(errors.New("the key was not removed, because it can't be kept"), err)
	}
	return rest, nil
}
