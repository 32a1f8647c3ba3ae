package audit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Trail are the use cases of the audit: to read it, to check that it is whole, and to remove what
// is too old.
type Trail struct {
	Store    domain.Store
	Sealer   Sealer
	Secret   []byte // of the notary
	Notary   *auth.Notary
	Recorder *Recorder
	Scans    *turns.Turns
	Now      func() time.Time
	Log      *slog.Logger

	// loss says whether the last check of the signed ends has found a loss. Each check stores it;
	// Loss loads it.
	loss atomic.Bool
	// checked is when that check, and a signature if one was due, last ended without an error, in
	// seconds since 1970; 0: never yet.
	checked atomic.Int64
}

// Sealer seals the audit's row of the service's secrets. The row has the secret of the notary, and
// which checkpoint was signed last.
type Sealer interface {
	Seal(plain []byte) []byte
	Open(sealed []byte) ([]byte, error)
}

// SecretName is the name of the audit's row.
const SecretName = "audit"

// Page lists events.
func (s *Trail) Page(
	ctx context.Context, filter domain.AuditFilter, req domain.PageRequest,
) (domain.Page[domain.Event], error) {
	list := func(ctx context.Context, from domain.Store) (domain.Page[domain.Event], error) {
		return from.Audit().Page(ctx, filter, req)
	}
	return turns.Search(ctx, s.Scans, filter.Wide(), func(ctx context.Context) (domain.Page[domain.Event], error) {
		return domain.Stale(ctx, s.Store, list)
	})
}

// Get returns one event.
func (s *Trail) Get(ctx context.Context, id int64) (domain.Event, error) {
	return s.Store.Audit().Get(ctx, id)
}
