package history

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Watcher notices when the database has another history than the one that this replica has read:
// after the promotion of a standby that lagged, a restore beneath a running service, a file that
// was set back. Then all caches of it are dropped, here at once and on the other replicas when they
// look, and the database gets a new incarnation.
type Watcher struct {
	store    domain.Store
	now      func() time.Time
	log      *slog.Logger
	memories []func() // each drops a cache

	// turn guards all that follows. It is full for a whole look: one round trip to the database,
	// and, when they are due, the renewal of the incarnation and the calls of memories. It is a
	// channel, not a mutex: a request that waits for it stops at its deadline, also while the
	// database does not answer a look.
	turn    chan struct{}
	last    domain.Glance
	looked  bool
	pending bool // a new incarnation could not be stored yet
	age     int  // how often the caches were dropped
}

// New returns a watcher of the history of store. Each of memories drops a cache.
func New(store domain.Store, now func() time.Time, log *slog.Logger, memories ...func()) *Watcher {
	return &Watcher{store: store, now: now, log: log, memories: memories, turn: make(chan struct{}, 1)}
}

func (h *Watcher) enter(ctx context.Context) error {
	select {
	case h.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Watcher) leave() { <-h.turn }

// Look returns the current access point, and a number that changes whenever the caches are dropped.
func (h *Watcher) Look(ctx context.Context) (domain.AccessPoint, int, error) {
	if err := h.enter(ctx); err != nil {
		return domain.AccessPoint{}, 0, err
	}
	defer h.leave()
	g, err := h.store.Histories().Glance(ctx, h.last.Newest)
	if err != nil {
		return domain.AccessPoint{}, 0, err
	}
	if g.Moved || h.looked && !g.Follows(h.last) {
		h.begin(ctx, g)
	}
	if h.pending {
		g = h.renew(ctx, g)
	}
	h.last, h.looked = g, true
	return g.Access, h.age, nil
}

// Watch looks in the background, for replicas that receive no requests.
func (h *Watcher) Watch(ctx context.Context) error {
	_, _, err := h.Look(ctx)
	return err
}

// errUnsettled says that the database has another history, and that its new incarnation could not
// be stored yet.
var errUnsettled = errors.New("history: the incarnation of the database is not renewed yet")

// Settled looks at the database and returns its incarnation, if that is the one of the database's
// present history. Errors: also *domain.Unavailable.
func (h *Watcher) Settled(ctx context.Context) (string, error) {
	if _, _, err := h.Look(ctx); err != nil {
		return "", err
	}
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	if h.pending {
		return "", &domain.Unavailable{Err: errUnsettled}
	}
	return h.last.Incarnation, nil
}

// begin drops the caches. It keeps the incarnation when another replica has renewed it already.
func (h *Watcher) begin(ctx context.Context, g domain.Glance) {
	h.age++
	h.store.Forget()
	for _, forget := range h.memories {
		forget()
	}
	renewed := h.looked && g.Incarnation != h.last.Incarnation && !g.Moved
	h.pending = h.pending || !renewed
	h.log.ErrorContext(ctx, "the database has another history: all caches of it are dropped", "incarnation",
		g.Incarnation,
		"before", h.last.Incarnation, "server", g.Server, "server_before", h.last.Server, "events_lost", g.Lost,
		"epoch", g.Access.Epoch,
		"epoch_before", h.last.Access.Epoch, "renewed_elsewhere", renewed)
}

// renew stores a new incarnation. If that fails, as in a read-only database, the next look retries.
func (h *Watcher) renew(ctx context.Context, g domain.Glance) domain.Glance {
	value, err := h.store.Histories().Renew(ctx, g.Incarnation, h.now())
	if err != nil {
		h.log.ErrorContext(ctx, "the incarnation could not be renewed", "error", err)
		return g
	}
	g.Incarnation, g.Moved, h.pending = value, false, false
	return g
}
