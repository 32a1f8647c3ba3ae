package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type requestKeys struct{ s *Store }

// keepResult also replaces a result that is too old, and the reservation of its own transaction:
// nobody else can see that.
const keepResult = `INSERT INTO request_keys (caller_kind, caller_id, value, at, result) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (caller_kind, caller_id, value) DO UPDATE SET at = excluded.at, result = excluded.result
	WHERE request_keys.at < ? OR length(request_keys.result) = 0`

// Keep implements domain.RequestKeys.
func (r requestKeys) Keep(ctx context.Context, k domain.KeptResult, since time.Time) (bool, error) {
	sealed := k.Sealed
	if sealed == nil {
		sealed = []byte{} // not NULL
	}
	done := r.s.write.WithContext(ctx).Exec(
		keepResult, string(k.CallerKind), k.CallerID, k.Key, micro(k.At), sealed, micro(since),
	)
	return done.RowsAffected > 0, done.Error
}

// Find implements domain.RequestKeys.
func (r requestKeys) Find(
	ctx context.Context, kind domain.PrincipalKind, id int64, key string, since time.Time,
) (sealed []byte, err error) {
	err = scan(
		ctx, r.s.read, []any{&sealed},
		"SELECT result FROM request_keys WHERE caller_kind = ? AND caller_id = ? AND value = ? AND at >= ?",
		string(kind), id, key, micro(since),
	)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = domain.Fault(domain.Missing, "Idempotency-Key", domain.ReasonNotFound)
	}
	return sealed, err
}

// Purge implements domain.RequestKeys.
func (r requestKeys) Purge(ctx context.Context, before time.Time) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM request_keys WHERE at < ?", micro(before)).Error
}
