package pki

import (
	"context"
	"crypto/x509"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// CAEnds watches when the certificates of the CAs end, each with those above it, and warns from
// domain.CAWarning before the end until as long after it. A CA that has a successor is not warned
// of: it is meant to end.
type CAEnds struct {
	Store domain.Store
	Now   func() time.Time
	Log   *slog.Logger

	mu     sync.Mutex // guards what follows
	known  []CAEnd
	logged map[int64]time.Time // when a CA was last warned of
}

// CAEnd is when a CA ends: its certificate, or the first of those above it.
type CAEnd struct {
	ID   int64
	Name string
	At   time.Time
}

// CAHealth is what this process knows about the ends of the CAs.
type CAHealth struct {
	First  time.Time // when the first CA ends; zero: there is none
	Ending int       // how many end within domain.CAWarning, or have ended
}

// warnInterval is how often a CA is warned of in the log.
const warnInterval = 24 * time.Hour

// caPage is how many CAs are read at once.
const caPage = 100

// Look reads when the CAs end, and logs a warning for each that ends soon, once a day.
func (w *CAEnds) Look(ctx context.Context) error {
	now := w.Now()
	var found []CAEnd
	for cursor := int64(0); ; {
		page, err := w.Store.CAs().Page(ctx, domain.PageRequest{Cursor: cursor, Size: caPage})
		if err != nil {
			return err
		}
		for _, c := range page.Items {
			if c.SuccessorID != 0 || now.After(c.ExpiresAt.Add(domain.CAWarning)) {
				continue
			}
			end, err := w.endOf(ctx, c)
			if err != nil {
				return err
			}
			found = append(found, end)
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	w.keep(ctx, found, now)
	return nil
}

// endOf returns when a CA ends. Those above it that are here are CAs of their own, and end later.
func (w *CAEnds) endOf(ctx context.Context, c domain.CA) (CAEnd, error) {
	end := CAEnd{c.ID, c.Name, c.ExpiresAt}
	key, err := w.Store.CAs().Key(ctx, c.ID)
	if domain.IsKind(err, domain.Missing) || err == nil && len(key.Chain) == 0 {
		return end, nil // it was deleted meanwhile, or nothing is above it
	}
	if err != nil {
		return end, err
	}
	certs, err := readWithAbove(key)
	if err != nil {
		return end, err
	}
	end.At = slices.MinFunc(certs, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }).NotAfter
	return end, nil
}

func (w *CAEnds) keep(ctx context.Context, found []CAEnd, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = found
	logged := map[int64]time.Time{}
	for _, end := range found {
		if now.Before(end.At.Add(-domain.CAWarning)) {
			continue
		}
		last, ok := w.logged[end.ID]
		if !ok || now.Sub(last) >= warnInterval {
			last = now
			w.Log.WarnContext(
				ctx, "a CA ends soon: renew it, or nothing that it has signed is accepted any more", "ca_id", end.ID,
				"name", end.Name, "ends", end.At.UTC(), "days_left", domain.CA{ExpiresAt: end.At}.DaysLeft(now),
			)
		}
		logged[end.ID] = last
	}
	w.logged = logged
}

// Ends returns when the CAs end that the last Look has found. It does not query the database. The
// caller changes nothing in it.
func (w *CAEnds) Ends() []CAEnd {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known
}

// Health returns what the last Look has found. It does not query the database.
func (w *CAEnds) Health() CAHealth {
	now := w.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	var health CAHealth
	for _, end := range w.known {
		if health.First.IsZero() || end.At.Before(health.First) {
			health.First = end.At
		}
		if !now.Before(end.At.Add(-domain.CAWarning)) {
			health.Ending++
		}
	}
	return health
}
