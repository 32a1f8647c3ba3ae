package masterkey

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

const (
	// keepInterval is how late a server seals with the key that the database says.
	keepInterval = 2 * time.Second
	// holdInterval is how often a server says that it runs and which keys it has.
	holdInterval = 10 * time.Second
	// readInterval is how often the keys are read again where they come from.
	readInterval = 10 * time.Second
	keepTimeout  = 5 * time.Second
	// sureFor is how long after a look a server seals without asking again. It is much shorter than
	// SettleFor: a process that stood still, and whose key was removed meanwhile, asks first.
	sureFor = time.Minute
)

// Keeper keeps the keyring of a server as the database says, and tells the database which keys it
// has.
type Keeper struct {
	Store domain.Store
	Keys  *seal.Keyring
	Read  func() (*seal.Keyring, error) // reads the keys again where they come from
	ID    string                        // of the process
	Name  string                        // for the operator: the host and the process
	Now   func() time.Time
	Log   *slog.Logger

	again  chan struct{}          // asks for a look and for the keys to be read
	health atomic.Pointer[Health] // set by each look; readiness and metrics load it
	told   string                 // the fault that was last logged
	read   time.Time              // when the keys were read last
	held   domain.KeyHolder       // as it was stored last

	looked atomic.Int64 // when the database was last asked, in nanoseconds since begun
	begun  time.Time    // of this process, by its monotonic clock

	// mu guards asked and found. It is held while the keys are read for a value of a version that
	// is not known.
	mu    sync.Mutex
	asked time.Time
	found bool
	sure  sync.Mutex // held while the database is asked before something is sealed
}

// NewKeeper completes a keeper. From now on the keyring reads its keys again when it meets a
// version that it does not know.
func NewKeeper(k *Keeper) *Keeper {
	k.again, k.read, k.begun = make(chan struct{}, 1), time.Now(), time.Now()
	k.Keys.OnUnknown(k.unknown)
	k.Keys.OnSeal(k.makeSure)
	return k
}

// Again makes the keeper read the keys and look now. It does not wait for that.
func (k *Keeper) Again() {
	select {
	case k.again <- struct{}{}:
	default:
	}
}

func (k *Keeper) stale() bool { return time.Since(k.begun)-time.Duration(k.looked.Load()) > sureFor }

// makeSure asks the database which version seals if that was not done lately. When the database
// does not answer, nothing that is sealed now can be stored either.
func (k *Keeper) makeSure() {
	if !k.stale() {
		return
	}
	k.sure.Lock()
	defer k.sure.Unlock()
	if !k.stale() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), keepTimeout)
	defer cancel()
	list, err := k.Store.MasterKeys().All(ctx)
	if err == nil && len(list) > 0 {
		err = use(k.Keys, list)
		k.looked.Store(int64(time.Since(k.begun)))
	}
	if err != nil {
		k.Log.ErrorContext(ctx, "it is not certain which master key seals", "error", err)
	}
}

// unknown reads the keys, once a second at most however many ask, and reports whether it could.
func (k *Keeper) unknown() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.asked) < time.Second {
		return k.found
	}
	keys, err := k.Read()
	k.found, k.asked = err == nil && k.Keys.Take(keys) == nil, time.Now()
	return k.found
}

// Health is what the last look has found.
type Health struct {
	Newest domain.MasterKey // that seals
	Fault  string           // in a few words, for who asks; empty: none
	Err    error            // the cause of Fault
}

// Health returns what the last look has found.
func (k *Keeper) Health() Health {
	if h := k.health.Load(); h != nil {
		return *h
	}
	return Health{}
}

// Keep looks until ctx ends, and then stores that the server does not run any more.
func (k *Keeper) Keep(ctx context.Context) {
	ticker := time.NewTicker(keepInterval)
	defer ticker.Stop()
	if k.Store.OneWriter() { // this server is the only one; an earlier one may have died
		if err := k.Store.MasterKeys().ReleaseAll(ctx); err != nil {
			k.Log.ErrorContext(ctx, "the master keys of an earlier server stay announced", "error", err)
		}
	}
	for {
		k.look(ctx)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
			defer cancel()
			if err := k.Store.MasterKeys().Release(last, k.ID); err != nil {
				k.Log.ErrorContext(last, "the master keys of this server stay announced", "error", err)
			}
			return
		case <-k.again:
			k.read = time.Time{}
		case <-ticker.C:
		}
	}
}

func (k *Keeper) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	fault, err := k.refresh(), error(nil)
	h := Health{Newest: k.Health().Newest}
	list, readErr := k.Store.MasterKeys().All(ctx)
	if readErr == nil && len(list) > 0 {
		k.looked.Store(int64(time.Since(k.begun)))
		h.Newest = list[len(list)-1]
		err = k.adopt(list)
	}
	if missing, ok := errors.AsType[*MissingError](err); ok {
		h.Fault, h.Err = missing.short(), missing
	} else if err != nil {
		h.Fault, h.Err = "a master key here is not the one of the database", err
	}
	k.health.Store(&h)
	k.tell(ctx, errors.Join(h.Err, fault))
	if readErr == nil && ctx.Err() == nil {
		k.hold(ctx)
	}
}

// refresh reads the keys again when it is time to.
func (k *Keeper) refresh() error {
	if time.Since(k.read) < readInterval {
		return nil
	}
	return k.reread()
}

func (k *Keeper) reread() error {
	k.read = time.Now()
	keys, err := k.Read()
	if err == nil {
		err = k.Keys.Take(keys)
	}
	return err
}

// adopt makes the keyring seal as the database says. It reads the keys again if one is missing.
func (k *Keeper) adopt(list []domain.MasterKey) error {
	before := k.Keys.Version()
	err := use(k.Keys, list)
	if _, missing := errors.AsType[*MissingError](err); missing && k.reread() == nil {
		err = use(k.Keys, list)
	}
	if now := k.Keys.Version(); now != before {
		k.Log.Info("another master key seals", "version", now, "before", before)
	}
	return err
}

// hold stores which keys the server has, now and then and when they have changed.
func (k *Keeper) hold(ctx context.Context) {
	h := domain.KeyHolder{
		ID: k.ID, Name: k.Name, Keys: k.Keys.Fingerprints(), Sealing: k.Keys.Version(), SeenAt: k.Now(),
	}
	age := h.SeenAt.Sub(k.held.SeenAt)
	if age >= 0 && age < holdInterval && h.Sealing == k.held.Sealing && maps.Equal(h.Keys, k.held.Keys) {
		return
	}
	if err := k.Store.MasterKeys().Hold(ctx, h, h.SeenAt.Add(-time.Hour)); err != nil {
		return // a database that takes no writes has a check of its own
	}
	k.held = h
}

// tell logs what has changed since the look before.
func (k *Keeper) tell(ctx context.Context, fault error) {
	text := ""
	if fault != nil {
		text = fault.Error()
	}
	if text != k.told && text != "" {
		k.Log.ErrorContext(ctx, "the master key", "error", fault)
	}
	k.told = text
}
