package pki

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/big"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/history"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// CRLs signs and serves the revocation lists. A list is signed on request when the CA's epoch has
// moved since the last one, so that one signature covers all revocations in between, or when two
// thirds of its life are over.
//
// An OpenVPN server that holds two lists of a CA uses the one with the later thisUpdate, and
// refuses every client while that is in the future. So numbers and thisUpdate only rise. What is
// the future is told by the clock of the database, where it has one: replicas whose clocks differ
// agree on it. A list with a thisUpdate in that future, which a wrong clock has made, is not
// served: another list is signed in its place, with a higher number and a thisUpdate of now. Once
// that future has come, the next list has a later thisUpdate than the wrong one.
//
// If no current list can be had because the database does not answer or can't be written to, the
// last good list is served until it ends.
type CRLs struct {
	Store       domain.Store
	History     *history.Watcher
	Authorities *Authorities
	Now         func() time.Time
	Clock       *Clock        // by which lists begin and are due
	Life        time.Duration // from thisUpdate to nextUpdate of a list
	Lists       *Lists
	Log         *slog.Logger

	states   bounded.Flights[int64, domain.CRLState]
	families families
}

// SignedCRL is a revocation list in both encodings. Tag changes with the list. Stale says that no
// current list could be had, and that later revocations may be missing.
type SignedCRL struct {
	domain.CRL
	PEM   []byte
	Tag   string
	Stale bool
}

// errCRLContention says that other replicas published first on every attempt.
var errCRLContention = errors.New("pki: the CRL number was taken by another replica too many times")

const publishAttempts = 20

// The timeouts of the database: to read the state of a list, to read or store a list, and to read
// the new revocations.
const (
	crlStateTime = time.Second
	crlStoreTime = 5 * time.Second
	crlReadTime  = 20 * time.Second // for up to a million revocations
)

// Current returns a list that has every revocation committed before the call. If that can't be had,
// it returns the last list, as Stale. Errors: *domain.Error with Missing.
func (s *CRLs) Current(ctx context.Context, caID int64) (*SignedCRL, error) {
	crl, err := s.fresh(ctx, caID)
	switch {
	case err == nil:
		return crl, nil
	case domain.IsKind(err, domain.Missing):
		s.Lists.drop(caID)
		return nil, err
	}
	return s.last(ctx, caID, err)
}

func (s *CRLs) fresh(ctx context.Context, caID int64) (*SignedCRL, error) {
	state, err := s.state(ctx, caID)
	if err != nil {
		return nil, err
	}
	l := s.Lists.of(caID)
	if seen := l.seen.Load(); seen != nil && *seen == state.RevocationPoint && !l.lapsed.Load() {
		if crl := l.current.Load(); crl != nil && s.good(crl.CRL, state) {
			l.stale.Store(nil)
			return crl, nil
		}
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.renewed(ctx, l, caID, state)
}

// renewed returns a list that is good for a caller that has read the state asked. The caller holds
// the list's turn.
func (s *CRLs) renewed(ctx context.Context, l *list, caID int64, asked domain.CRLState) (*SignedCRL, error) {
	for attempt := range publishAttempts {
		state, err := s.heed(ctx, l, caID, asked, attempt > 0)
		if err != nil {
			return nil, err
		}
		if attempt == 0 {
			asked = state
		}
		if crl := l.current.Load(); crl != nil && s.good(crl.CRL, asked) {
			l.stale.Store(nil)
			return crl, nil
		}
		if err := s.renew(ctx, l, caID, asked, state); err != nil {
			return nil, err
		}
	}
	return nil, &domain.Unavailable{Err: errCRLContention}
}

// state reads the state of a CA's lists. Concurrent callers share one query, which begins after all
// of them have called.
func (s *CRLs) state(ctx context.Context, caID int64) (domain.CRLState, error) {
	return s.states.Do(ctx, caID, func() (domain.CRLState, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), crlStateTime)
		defer cancel()
		state, err := s.Store.CRLs().State(ctx, caID)
		if err == nil {
			s.Clock.note(state.Now)
		}
		return state, err
	})
}

// good reports whether a list can be served to a caller that has read the state. The list must have
// the state's revocations and its number, must not be due or begin in the future, and must not be
// older than a list that OpenVPN may hold from a replica whose clock was wrong.
func (s *CRLs) good(crl domain.CRL, state domain.CRLState) bool {
	now := s.Clock.now()
	overtaken := state.ThisUpdate.After(crl.ThisUpdate) && !state.ThisUpdate.Add(time.Second).After(now)
	return crl.Epoch >= state.Epoch && crl.Number >= state.Number && !overtaken &&
		!crl.ThisUpdate.After(now) && !ca.CRLDue(crl.ThisUpdate, crl.NextUpdate, now)
}

// renew takes over the list that another replica has published, or signs and publishes the next one
// unless another replica is faster. The state, with its number, was read before the revocations, so
// a replica that publishes a later number has read at least as many of them.
func (s *CRLs) renew(ctx context.Context, l *list, caID int64, asked, state domain.CRLState) error {
	latest, found, err := s.latest(ctx, l, caID, state)
	if err != nil {
		return err
	}
	good := found && s.good(latest, asked)
	if good && l.before == nil {
		l.current.Store(signed(latest))
		return nil
	}
	if another, err := s.another(ctx, state); another || err != nil {
		return err // the state can't be used: its history has ended, or may have
	}
	if err := s.catchUp(ctx, l, caID, state, latest); err != nil {
		return err
	}
	if good {
		l.current.Store(signed(latest))
		return nil
	}
	crl, err := s.sign(ctx, l, caID, state, latest)
	if err != nil {
		return err
	}
	published, err := s.publish(ctx, crl)
	if err == nil && !published {
		s.Authorities.Outdated(ctx, caID) // another replica may have renewed the CA
	}
	if err == nil && published {
		l.current.Store(signed(crl))
		s.Log.InfoContext(
			ctx, "CRL signed", "ca_id", caID, "number", crl.Number, "entries", len(l.revocations), "next_update",
			crl.NextUpdate,
		)
	}
	return err
}

// latest returns the latest list. It may have megabytes, so it is not read again when it is served.
func (s *CRLs) latest(ctx context.Context, l *list, caID int64, state domain.CRLState) (domain.CRL, bool, error) {
	if crl := l.current.Load(); crl != nil && crl.Number == state.Number && crl.ThisUpdate.Equal(state.ThisUpdate) {
		return crl.CRL, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, crlStoreTime)
	defer cancel()
	return s.Store.CRLs().Latest(ctx, caID)
}

func (s *CRLs) publish(ctx context.Context, crl domain.CRL) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, crlStoreTime)
	defer cancel()
	return s.Store.CRLs().Publish(ctx, crl)
}

// sign makes the list that follows the latest one.
func (s *CRLs) sign(
	ctx context.Context, l *list, caID int64, state domain.CRLState, latest domain.CRL,
) (domain.CRL, error) {
	authority, err := s.Authorities.Get(ctx, caID)
	if err != nil {
		return domain.CRL{}, err
	}
	entries := make([]ca.EncodedRevocation, len(l.revocations))
	for i, r := range l.revocations {
		entries[i] = r.entry
	}
	thisUpdate, err := s.begin(ctx, state, latest)
	if err != nil {
		return domain.CRL{}, err
	}
	now := s.Clock.now()
	_, nextUpdate := ca.CRLWindow(later(now, s.Now()), s.Life)
	crl := domain.CRL{
		CAID: caID, Number: max(state.Number+1, now.Unix()), Follows: state.Number, Epoch: l.epoch,
		ThisUpdate: thisUpdate, NextUpdate: nextUpdate, SignedAt: now, Issuer: authority.Certificate.Raw,
		Seen: state.RevocationPoint,
	}
	number := big.NewInt(crl.Number)
	if state.Base != nil {
		number.Add(number, state.Base)
	}
	if crl.Told, err = signedEvent(crl, number, len(entries)); err != nil {
		return crl, err
	}
	_, span := spans.Begin(ctx, "sign CRL")
	crl.DER, err = authority.Within(ctx).SignCRL(
		ca.CRLRequest{Number: number, ThisUpdate: thisUpdate, NextUpdate: nextUpdate, Encoded: entries},
	)
	span.EndWith(err)
	return crl, err
}

func signedEvent(crl domain.CRL, number *big.Int, entries int) (domain.StreamEvent, error) {
	ends := crl.NextUpdate.UTC().Format(time.RFC3339)
	data, err := domain.EventData{Number: number.String(), Entries: &entries, ExpiresAt: ends}.Text()
	return domain.StreamEvent{
		Type: domain.EventCRLSigned, At: crl.SignedAt, Resource: domain.ScopeCAs, ResourceID: crl.CAID, Data: data,
	}, err
}

// begin returns thisUpdate of the next list: an hour before now, by the clock that is behind, but
// later than that of the last list.
func (s *CRLs) begin(ctx context.Context, state domain.CRLState, latest domain.CRL) (time.Time, error) {
	now := s.Clock.now().UTC().Truncate(time.Second)
	last := later(state.ThisUpdate, latest.ThisUpdate)
	if last.Sub(now) > maxListLead {
		s.Log.WarnContext(
			ctx, "a CRL begins in the future: another one is signed in its place", "ca_id", latest.CAID, "this_update", last,
			"now", now,
		)
		if last = latest.ThisUpdate; last.IsZero() || last.After(now) {
			return now, nil // the list before the wrong one is not known, but did not begin later than now
		}
	}
	thisUpdate, _ := ca.CRLWindow(sooner(now, s.Now()), s.Life)
	next := last.Add(time.Second)
	if !next.After(now) {
		return later(thisUpdate, next), nil
	}
	// The last list began within this second, as an imported one may have, or begins in a few.
	return next, s.Clock.wait(ctx, next.Sub(s.Clock.now()))
}

func signed(crl domain.CRL) *SignedCRL {
	sum := sha256.Sum256(crl.DER)
	return &SignedCRL{CRL: crl, PEM: ca.EncodeCRLPEM(crl.DER), Tag: hex.EncodeToString(sum[:12])}
}
