package masterkey

import (
	"context"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// NeededError says why a key must stay.
type NeededError struct{ Why string }

// Error says why.
func (e *NeededError) Error() string { return e.Why }

func needed(format string, args ...any) error { return &NeededError{fmt.Sprintf(format, args...)} }

// Removed records that the key of a version is to be removed from this machine.
func (r *Rotation) Removed(ctx context.Context, version uint32) error {
	return r.Recorder.Apply(ctx, r.Store, func(domain.Store) (audit.Change, error) {
		return audit.Change{
			Action: domain.ActionDelete, Resource: domain.ResourceDatabase, Name: "master key",
			Before: audit.Facts{"version": version},
		}, nil
	})
}

// Retirable fails with a *NeededError if the key of a version is still needed for this database, or
// may be. It reads all sealed values.
func (r *Rotation) Retirable(ctx context.Context, version uint32) error {
	newest, err := r.newest(ctx, r.Store)
	if err != nil {
		return err
	}
	if version >= newest.Version {
		return needed("the master key %d seals this database, or will: only earlier ones can be removed", version)
	}
	err = r.lacking(ctx, LackingError{Version: newest.Version, Sealing: true}, func(h domain.KeyHolder) bool {
		return h.Sealing == newest.Version
	})
	if err != nil {
		return needed("%v", err)
	}
	if age := r.Now().Sub(newest.Since); age < SettleFor {
		return needed(
			"the master key %d seals since %s ago: requests that began before may still store what the key %d has "+
				"sealed. Try again in %s", newest.Version, age.Round(time.Second), version,
			(SettleFor - age).Round(time.Second),
		)
	}
	counts, err := Count(ctx, r.Store)
	if err != nil {
		return err
	}
	if n := counts.Of(version); n > 0 {
		return needed("%d values are under the master key %d: run `chaveiro master-key rotate`", n, version)
	}
	return nil
}
