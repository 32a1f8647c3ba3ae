package pki

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// pageOfMany is how many clients are read at once.
const pageOfMany = 100

// Each calls fn with the clients of a filter, in its order, and stops at the first error of fn.
func (s *Clients) Each(ctx context.Context, filter domain.ClientFilter, fn func(domain.Client) error) error {
	return s.eachAfter(ctx, filter, 0, fn)
}

// eachAfter is Each from a cursor on.
func (s *Clients) eachAfter(
	ctx context.Context, filter domain.ClientFilter, cursor int64, fn func(domain.Client) error,
) error {
	for {
		page, err := s.current(ctx, filter, domain.PageRequest{Cursor: cursor, Size: pageOfMany})
		if err != nil {
			return err
		}
		for _, client := range page.Items {
			if err := fn(client); err != nil {
				return err
			}
		}
		if page.Next == nil {
			return nil
		}
		cursor = *page.Next
	}
}

// errEnough ends a search that has found more than is served at once.
var errEnough = errors.New("pki: enough clients")

// selected returns the ids of the clients of a selection, at most MaxClientsAtOnce, and whether
// there are more.
func (s *Clients) selected(ctx context.Context, of domain.ClientSelection) (found []int64, more bool, err error) {
	if len(of.IDs) > 0 {
		return of.IDs, false, nil
	}
	err = s.eachAfter(ctx, of.Filter(), of.After, func(c domain.Client) error {
		if c.Revoked() {
			return nil
		}
		if len(found) == domain.MaxClientsAtOnce {
			return errEnough
		}
		found = append(found, c.ID)
		return nil
	})
	if errors.Is(err, errEnough) {
		return found, true, nil
	}
	return found, false, err
}

// errRenewed says that another request has renewed a client since it was selected.
var errRenewed = errors.New("pki: the client is not one of the selection any more")

// reserve is how much time work on many clients leaves of its request for the last one; a renewal
// that may have to wait for an RSA key leaves keyTime.
const reserve = 30 * time.Second

// RenewMany renews the clients of a selection one after the other, each in its own transaction and
// with its own event. It ends early when the time of the request does, and says where to go on. One
// that is revoked or suspended stays so. Each renewal keeps its result under the Idempotency-Key of
// the request: a repeat does not renew a client again.
//
// Errors: *domain.Error of the selection and of what is asked for. Later ones only if no client was
// renewed before.
func (s *Clients) RenewMany(
	ctx context.Context, of domain.ClientSelection, asked domain.ClientRenewal,
) (done domain.RenewedClients, err error) {
	algorithm, algorithmErr := keyAlgorithm(asked.KeyAlgorithm)
	if err := errors.Join(of.Validate(), asked.Check(), algorithmErr); err != nil {
		return done, err
	}
	left := reserve
	if algorithm.Costly() {
		left = keyTime
	}
	found, more, err := s.selected(ctx, of)
	if err != nil {
		return done, err
	}
	for i, id := range found {
		one, err := s.renewOneOf(ctx, of, id, asked)
		if errors.Is(err, errRenewed) {
			continue
		}
		if err != nil && len(done.Clients) == 0 {
			return done, err
		}
		if err != nil {
			s.Recorder.Log.ErrorContext(ctx, "a renewal of many clients has ended early", "error", domain.Cause(err))
			return done, nil
		}
		done.Clients, done.Next = append(done.Clients, one), id
		if Late(ctx, left) {
			more = more || i+1 < len(found)
			break
		}
	}
	if !more {
		done.Next = 0
	}
	return done, nil
}

// Late reports whether no more time of a request is left than must remain.
func Late(ctx context.Context, left time.Duration) bool {
	end, bounded := ctx.Deadline()
	return bounded && time.Until(end) < left
}

// renewOneOf renews one of many clients. Its error is one that ends the others, too.
func (s *Clients) renewOneOf(
	ctx context.Context, of domain.ClientSelection, id int64, asked domain.ClientRenewal,
) (domain.RenewedClient, error) {
	client, err := s.Get(ctx, id) // it may have changed since it was selected
	one := domain.RenewedClient{ID: id, Name: client.Name, OldSerial: client.Serial}
	var renewed domain.Client
	switch {
	case err != nil:
	case !of.ExpiresBefore.IsZero() && !client.ExpiresAt.Before(of.ExpiresBefore):
		return one, errRenewed
	case client.Revoked():
		err = domain.Fault(domain.Rule, "id", domain.ReasonNotInForce)
	default:
		renewed, err = s.Renew(ForOne(ctx, id), id, asked)
	}
	if _, dry := errors.AsType[*audit.DryRun](err); dry {
		return one, nil
	}
	if err != nil && EndsMany(err) {
		return one, err
	}
	one.Serial, one.ExpiresAt, one.Err = renewed.Serial, renewed.ExpiresAt, err
	return one, nil
}

// EndsMany reports whether an error is none of one client: that the service can't go on, or that
// the caller may not.
func EndsMany(err error) bool {
	faults := domain.Faults(err)
	return len(faults) == 0 || slices.ContainsFunc(faults, func(f *domain.Error) bool {
		return f.Kind == domain.Unauthenticated || f.Kind == domain.Forbidden
	})
}

// ForOne returns a context in which the key of a request is one for a client alone.
func ForOne(ctx context.Context, id int64) context.Context {
	if !idempotency.Keyed(ctx) {
		return ctx
	}
	origin := domain.OriginOf(ctx)
	hash := sha256.Sum256([]byte(origin.Key.Value))
	origin.Key.Value = fmt.Sprintf("%s/%d", hex.EncodeToString(hash[:]), id)
	return domain.WithOrigin(ctx, origin)
}
