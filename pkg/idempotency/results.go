package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Results are the kept results of requests. It takes the caller and the key from the context.
type Results struct {
	Store domain.Store
	Keys  *seal.Keyring
	Now   func() time.Time
	Log   *slog.Logger
}

// errKept says that another request with the key has stored its result meanwhile.
var errKept = errors.New("idempotency: the key is used by another request")

// Do returns what do gives, or, for a repeated request, what do gave then. do has to keep its
// result by [Results.Keep]; if it keeps none, because it has changed nothing, a repeat calls it
// again. Errors: those of do; *domain.Error with Rule on Idempotency-Key if the caller has used the
// key for another request.
func Do[T any](ctx context.Context, r *Results, do func() (T, error)) (T, error) {
	if !Keyed(ctx) {
		return do()
	}
	kept, found, err := find[T](ctx, r)
	if found || err != nil {
		return kept, err
	}
	result, err := do()
	if err == nil {
		return result, nil
	}
	// The other request may have been committed after find, also if do has failed by what that one
	// has stored: a name, for example, is taken then.
	if kept, found, lookErr := find[T](ctx, r); found || domain.IsKind(lookErr, domain.Rule) {
		return kept, lookErr
	}
	return result, err
}

// find returns the kept result of the request. found is false if there is none.
func find[T any](ctx context.Context, r *Results) (result T, found bool, err error) {
	origin, caller := domain.OriginOf(ctx), domain.PrincipalOf(ctx)
	sealed, err := r.Store.RequestKeys().Find(ctx, caller.Kind, caller.ID, origin.Key.Value, r.since())
	if domain.IsKind(err, domain.Missing) {
		return result, false, nil
	}
	if err != nil {
		return result, false, err
	}
	text, err := r.open(ctx, sealed)
	if err != nil {
		return result, false, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // of another version of the program
	if err := decoder.Decode(&result); err != nil {
		return result, false, fmt.Errorf("idempotency: couldn't read a kept result: %w", err)
	}
	r.Log.InfoContext(
		ctx, "repeated request", "request_id", origin.RequestID, "operation", origin.Operation, "principal", caller,
	)
	return result, true, nil
}

// open returns the result of a sealed text, if it is that of the same request.
func (r *Results) open(ctx context.Context, sealed []byte) ([]byte, error) {
	text, err := r.Keys.Open(sealed, place(ctx))
	if err != nil {
		return nil, err
	}
	digest := domain.OriginOf(ctx).Key.Digest
	if subtle.ConstantTimeCompare(text[:sha256.Size], digest[:]) == 0 {
		return nil, domain.Fault(domain.Rule, "Idempotency-Key", domain.ReasonOtherRequest)
	}
	return text[sha256.Size:], nil
}

// Keep stores the result of a request in the transaction of its change, as JSON. It does nothing if
// the request has no key. It fails if another request with the key has stored its result: the
// transaction must not be committed then.
func (r *Results) Keep(ctx context.Context, tx domain.Store, result any) error {
	if !Keyed(ctx) {
		return nil
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	key := domain.OriginOf(ctx).Key
	return r.store(ctx, tx, r.Keys.Seal(append(key.Digest[:], text...), place(ctx)))
}

// Transact runs fn in a transaction and keeps its result. It is for changes whose result is known
// only after they have appended to the audit: it reserves the key before fn.
func (r *Results) Transact(ctx context.Context, fn func(tx domain.Store) (result any, err error)) error {
	return r.Store.Transact(ctx, func(tx domain.Store) error {
		if Keyed(ctx) {
			if err := r.store(ctx, tx, nil); err != nil {
				return err
			}
		}
		result, err := fn(tx)
		if err != nil {
			return err
		}
		return r.Keep(ctx, tx, result)
	})
}

// Keyed reports whether the request has an Idempotency-Key.
func Keyed(ctx context.Context) bool { return domain.OriginOf(ctx).Key != domain.RequestKey{} }

func (r *Results) store(ctx context.Context, tx domain.Store, sealed []byte) error {
	caller := domain.PrincipalOf(ctx)
	stored, err := tx.RequestKeys().Keep(ctx, domain.KeptResult{
		CallerKind: caller.Kind, CallerID: caller.ID, Key: domain.OriginOf(ctx).Key.Value, At: r.Now(), Sealed: sealed,
	}, r.since())
	if err == nil && !stored {
		err = &domain.Unavailable{Err: errKept}
	}
	return err
}

// place binds a sealed result to its row.
func place(ctx context.Context) string {
	caller := domain.PrincipalOf(ctx)
	return placeOf(caller.Kind, caller.ID, domain.OriginOf(ctx).Key.Value)
}

func placeOf(kind domain.PrincipalKind, id int64, key string) string {
	return fmt.Sprintf("request/%s/%d/%s", kind, id, key)
}

// SealedContexts says what the sealed values of this package are bound to.
func SealedContexts() map[domain.SealedKind]func(domain.SealedPlace) string {
	return map[domain.SealedKind]func(domain.SealedPlace) string{
		domain.SealedResult: func(p domain.SealedPlace) string { return placeOf(p.Caller, p.ID, p.Name) },
	}
}

// Forget removes the results that are too old.
func (r *Results) Forget(ctx context.Context) error {
	return r.Store.RequestKeys().Purge(ctx, r.since())
}

func (r *Results) since() time.Time { return r.Now().Add(-domain.RequestKeyLife) }
