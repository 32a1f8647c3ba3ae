package masterkey

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Contexts say what the values of each kind are bound to. The package that seals a kind owns its
// text.
type Contexts map[domain.SealedKind]func(domain.SealedPlace) string

// Rotation changes the master key.
type Rotation struct {
	Store    domain.Store
	Keys     *seal.Keyring
	Contexts Contexts
	Recorder *audit.Recorder
	Now      func() time.Time
	// Hurry leaves out the rests between batches: it is faster, and others are slower meanwhile.
	Hurry bool
	// Patience is how long servers may take to seal with the new key; 0: until one that has died
	// does not count any more.
	Patience time.Duration
}

const (
	// AliveFor is how long a server counts after it was seen last. Clocks may be off by 30 s.
	AliveFor = 90 * time.Second
	// SettleFor is how long after its beginning a rotation leaves the earlier keys in place: a
	// request that has sealed something before may store it until then.
	SettleFor = 10 * time.Minute
	// followPatience is the default of Patience.
	followPatience = AliveFor + 10*time.Second
	followPause    = 250 * time.Millisecond
)

// LackingError names the servers that run and do not have a key, or do not seal with it.
type LackingError struct {
	Version uint32
	Servers []string
	Sealing bool // they have it, and do not seal with it
}

// Error names the servers.
func (e *LackingError) Error() string {
	what := "does not have the master key %d yet, or has another one"
	if e.Sealing {
		what = "does not seal with the master key %d yet"
	}
	return strings.Join(e.Servers, ", ") + ": " + fmt.Sprintf(what, e.Version)
}

// Holders returns the servers that run.
func (r *Rotation) Holders(ctx context.Context) ([]domain.KeyHolder, error) {
	return r.Store.MasterKeys().Holders(ctx, r.Now().Add(-AliveFor))
}

// lacking fails with a *LackingError if a server that runs is not as good says.
func (r *Rotation) lacking(ctx context.Context, fault LackingError, good func(domain.KeyHolder) bool) error {
	holders, err := r.Holders(ctx)
	if err != nil {
		return err
	}
	for _, h := range holders {
		if !good(h) {
			fault.Servers = append(fault.Servers, h.Name)
		}
	}
	if len(fault.Servers) > 0 {
		return &fault
	}
	return nil
}

// Ready fails with a *LackingError if a server that runs does not have a key.
func (r *Rotation) Ready(ctx context.Context, version uint32) error {
	print := r.Keys.Fingerprints()[version]
	return r.lacking(ctx, LackingError{Version: version}, func(h domain.KeyHolder) bool {
		return h.Keys[version] == print
	})
}

// Begin makes a version seal from now on, on all servers. It does nothing when that version or a
// higher one seals already.
func (r *Rotation) Begin(ctx context.Context, version uint32) error {
	before := r.Keys.Version()
	k := domain.MasterKey{
		Version: version, Fingerprint: r.Keys.Fingerprints()[version], Since: r.Now(), Remaining: -1,
	}
	err := r.Recorder.Apply(ctx, r.Store, func(tx domain.Store) (audit.Change, error) {
		begun, err := tx.MasterKeys().Begin(ctx, k)
		if err != nil || !begun {
			return audit.Change{}, err
		}
		return audit.Change{
			Action: domain.ActionRotate, Resource: domain.ResourceDatabase, Name: "master key",
			Before: audit.Facts{"version": before, "ended": true},
			After:  audit.Facts{"version": version, "ended": false},
		}, nil
	})
	if err != nil {
		return err
	}
	return Adopt(ctx, r.Store, r.Keys, r.Now())
}

// Followed waits until all servers that run seal with the present version. Errors: *LackingError.
func (r *Rotation) Followed(ctx context.Context) error {
	version := r.Keys.Version()
	end := time.Now().Add(cmp.Or(r.Patience, followPatience))
	for {
		err := r.lacking(ctx, LackingError{Version: version, Sealing: true}, func(h domain.KeyHolder) bool {
			return h.Sealing == version
		})
		if err == nil || time.Now().After(end) {
			return err
		}
		if err := pause(ctx, followPause); err != nil {
			return err
		}
	}
}

// End stores that no value is under an earlier version. The caller has looked. An end that is
// stored already stays.
func (r *Rotation) End(ctx context.Context, resealed int64) error {
	version := r.Keys.Version()
	return r.Recorder.Apply(ctx, r.Store, func(tx domain.Store) (audit.Change, error) {
		newest, err := r.newest(ctx, tx)
		if err != nil || !newest.EndedAt.IsZero() {
			return audit.Change{}, err
		}
		return audit.Change{
			Action: domain.ActionRotate, Resource: domain.ResourceDatabase, Name: "master key",
			Before: audit.Facts{"ended": false}, After: audit.Facts{"ended": true, "version": version, "resealed": resealed},
		}, tx.MasterKeys().Note(ctx, version, 0, r.Now())
	})
}

func (r *Rotation) newest(ctx context.Context, store domain.Store) (newest domain.MasterKey, err error) {
	list, err := store.MasterKeys().All(ctx)
	if err == nil && len(list) > 0 {
		newest = list[len(list)-1]
	}
	return newest, err
}
