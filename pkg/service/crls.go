package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// CRLs signs and serves the revocation lists. A list is signed when it is asked for and the CA's epoch has moved, so that one
// signature serves however many revocations came in between; or when two thirds of its life are over.
type CRLs struct {
	Store       domain.Store
	Authorities *Authorities
	Now         func() time.Time
	Life        time.Duration // of a list, from thisUpdate to nextUpdate
	Log         *slog.Logger

	mu    sync.Mutex
	lists map[int64]*list
}

// SignedCRL is a revocation list in both encodings. Tag changes when the list does.
type SignedCRL struct {
	domain.CRL
	PEM []byte
	Tag string
}

// list is what this process knows of one CA's list. mu makes those who need a new one wait for one signature.
type list struct {
	mu          sync.Mutex
	current     *SignedCRL
	revocations []domain.Revocation // up to epoch, less those that were dropped
	epoch       int64
	last        domain.Revocation // one of epoch
	seen        domain.RevocationPoint
}

// errCRLContention says that other replicas published first every time.
var errCRLContention = errors.New("service: the CRL number was taken by another replica too many times")

const publishAttempts = 20

// Current returns a list that has every revocation committed before the call. Errors: *domain.Error with Missing.
func (s *CRLs) Current(ctx context.Context, caID int64) (*SignedCRL, error) {
	point, err := s.Store.Revocations().Point(ctx, caID)
	if err != nil {
		return nil, err
	}
	l := s.list(caID)
	l.mu.Lock()
	defer l.mu.Unlock()
	for attempt := range publishAttempts {
		if attempt > 0 {
			if point, err = s.Store.Revocations().Point(ctx, caID); err != nil {
				return nil, err
			}
		}
		if point, err = s.heed(ctx, l, caID, point); err != nil {
			return nil, err
		}
		if l.current != nil && s.good(l.current.CRL, point.Epoch) {
			return l.current, nil
		}
		if err := s.renew(ctx, l, caID, point); err != nil {
			return nil, err
		}
	}
	return nil, errCRLContention
}

// good reports whether a list can be served to one who has seen the epoch.
func (s *CRLs) good(crl domain.CRL, epoch int64) bool {
	return crl.Epoch >= epoch && !ca.CRLDue(crl.ThisUpdate, crl.NextUpdate, s.Now())
}

// renew takes the list that another replica has published, or signs and publishes the next one. The number is read before the
// revocations: whoever publishes a later number has read at least as many.
func (s *CRLs) renew(ctx context.Context, l *list, caID int64, point domain.RevocationPoint) error {
	number, err := s.Store.CRLs().LastNumber(ctx, caID)
	if err != nil {
		return err
	}
	latest, found, err := s.Store.CRLs().Latest(ctx, caID)
	if err != nil {
		return err
	}
	if found && s.good(latest, point.Epoch) {
		l.current = signed(latest)
		return nil
	}
	if err := s.catchUp(ctx, l, caID, latest); err != nil {
		return err
	}
	crl, err := s.sign(ctx, l, caID, number+1, latest.ThisUpdate)
	if err != nil {
		return err
	}
	crl.Seen = point
	published, err := s.Store.CRLs().Publish(ctx, crl)
	if err == nil && published {
		l.current = signed(crl)
		s.Log.InfoContext(ctx, "CRL signed", "ca_id", caID, "number", crl.Number, "entries", len(l.revocations), "next_update", crl.NextUpdate)
	}
	return err
}

// catchUp reads the revocations since the last time, and drops those whose certificate had ended before the latest list if that had
// seen them: they were on one list after their end (RFC 5280, 3.3).
func (s *CRLs) catchUp(ctx context.Context, l *list, caID int64, latest domain.CRL) error {
	if err := s.rejoin(ctx, l); err != nil {
		return err
	}
	fresh, err := s.Store.Revocations().After(ctx, caID, l.epoch)
	if err != nil {
		return err
	}
	kept := l.revocations[:0]
	for _, r := range append(l.revocations, fresh...) {
		if r.NotAfter.IsZero() || r.Epoch > latest.Epoch || !r.NotAfter.Before(latest.ThisUpdate) {
			kept = append(kept, r)
		}
		if r.Epoch > l.epoch {
			l.epoch, l.last = r.Epoch, r
		}
	}
	l.revocations = kept
	return nil
}

// sign makes the list of a number. OpenVPN keeps the older of two lists whose thisUpdate is the same second, so it is later than last, the
// latest list's, unless that would be in the future.
func (s *CRLs) sign(ctx context.Context, l *list, caID, number int64, last time.Time) (domain.CRL, error) {
	authority, err := s.Authorities.Get(ctx, caID)
	if err != nil {
		return domain.CRL{}, err
	}
	entries := make([]ca.Revocation, len(l.revocations))
	for i, r := range l.revocations {
		serial, err := ca.ParseSerial(r.Serial)
		if err != nil {
			return domain.CRL{}, err
		}
		entries[i] = ca.Revocation{Serial: serial, RevokedAt: r.RevokedAt, Reason: r.Reason}
	}
	now := s.Now()
	thisUpdate, nextUpdate := ca.CRLWindow(now, s.Life)
	if next := last.Add(time.Second); thisUpdate.Before(next) && !next.After(now) {
		thisUpdate = next
	}
	der, err := authority.SignCRL(ca.CRLRequest{Number: big.NewInt(number), ThisUpdate: thisUpdate, NextUpdate: nextUpdate, Revocations: entries})
	return domain.CRL{
		CAID: caID, Number: number, Epoch: l.epoch, ThisUpdate: thisUpdate, NextUpdate: nextUpdate, SignedAt: now, DER: der, Issuer: authority.Certificate.Raw,
	}, err
}

func signed(crl domain.CRL) *SignedCRL {
	sum := sha256.Sum256(crl.DER)
	return &SignedCRL{CRL: crl, PEM: ca.EncodeCRLPEM(crl.DER), Tag: hex.EncodeToString(sum[:12])}
}

func (s *CRLs) list(caID int64) *list {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lists[caID]
	if !ok {
		if s.lists == nil {
			s.lists = map[int64]*list{}
		}
		l = &list{}
		s.lists[caID] = l
	}
	return l
}

// Refresh brings the lists of all CAs up to date, and goes on to the next CA when one fails.
func (s *CRLs) Refresh(ctx context.Context) error {
	ids, err := s.Store.CAs().IDs(ctx)
	for _, id := range ids {
		if _, one := s.Current(ctx, id); one != nil && !domain.IsKind(one, domain.Missing) {
			err = errors.Join(err, one)
		}
	}
	return err
}

// Keep refreshes at every interval until ctx ends.
func (s *CRLs) Keep(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := s.Refresh(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "CRL refresh failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
