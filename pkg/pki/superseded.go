package pki

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// supersedeBatch is how many certificates are read at once, besides those that have failed.
const supersedeBatch = 100

// RevokeSuperseded revokes the certificates whose overlap has ended. It runs in the background, on
// every replica: the row of the client decides which one does it.
//
// Errors: those of certificates that can't be revoked, each once and then once a minute: it is
// tried again at each call, which is each second. One call tells of supersedeBatch at most.
func (s *Clients) RevokeSuperseded(ctx context.Context) error {
	var told []error
	failed := map[int64]bool{}
	for {
		limit := len(failed) + supersedeBatch // those that have failed are still due
		due, err := s.Store.Certificates().Superseded(ctx, s.Now(), limit)
		if err != nil {
			return errors.Join(append(told, err)...)
		}
		for _, cert := range due {
			if failed[cert.ID] {
				continue
			}
			if err := s.revokeSuperseded(ctx, cert); err != nil {
				failed[cert.ID] = true
				told = s.stuck.tell(told, cert, err, s.Now())
			}
		}
		if len(due) < limit {
			return errors.Join(told...)
		}
	}
}

func (s *Clients) revokeSuperseded(ctx context.Context, cert domain.Certificate) error {
	if cert.ClientID == 0 {
		return s.revokeOwnerless(ctx, cert)
	}
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		client, err := tx.Clients().Lock(ctx, cert.ClientID)
		if err != nil {
			return none, err
		}
		now := s.Now()
		cert, err := tx.Certificates().OfSerial(ctx, cert.CAID, cert.Serial)
		if err != nil || cert.Revoked() && !cert.Suspended() || cert.SupersededAt.IsZero() ||
			cert.SupersededAt.After(now) {
			return none, err
		}
		r := domain.Revocation{RevokedAt: now, Reason: domain.Superseded}
		if err := revokeCertificate(ctx, tx, cert, r); err != nil {
			return none, err
		}
		if err := revokeBereft(ctx, tx, client.ID, cert, r); err != nil {
			return none, err
		}
		return audit.Change{
			Action: domain.ActionRevoke, Resource: domain.ScopeClients, ID: client.ID, Name: client.Name,
			After: audit.Facts{
				"ca_id": cert.CAID, "serials": []string{cert.Serial}, "revoked_at": audit.Moment(now),
				"reason": r.Reason.String(),
			},
			Details: []slog.Attr{slog.Any("serials", []string{cert.Serial})},
		}, nil
	})
}

// revokeBereft revokes a client whose newest certificate has been revoked at the end of an overlap:
// its successor was lost when the database was set back.
func revokeBereft(
	ctx context.Context, tx domain.Store, id int64, cert domain.Certificate, r domain.Revocation,
) error {
	newest, err := tx.Certificates().OfClient(ctx, id)
	if err != nil || newest.ID != cert.ID {
		return err
	}
	return tx.Clients().Revoke(ctx, id, r.RevokedAt, r.Reason)
}

// stuckInterval is how often it is told that the same certificate can't be revoked.
const stuckInterval = time.Minute

// stuckOverlaps remembers of which certificates it was told that they can't be revoked. Of more
// than are remembered it is told more often.
type stuckOverlaps struct {
	mu   sync.Mutex // guards told; held for a look-up
	told map[int64]time.Time
}

// tell appends the error of a certificate if it is due to be told, and told is not full.
func (s *stuckOverlaps) tell(told []error, cert domain.Certificate, err error, now time.Time) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.told[cert.ID]
	since := now.Sub(last)
	if len(told) == supersedeBatch || known && since >= 0 && since < stuckInterval {
		return told
	}
	if s.told == nil {
		s.told = map[int64]time.Time{}
	}
	bounded.Remember(s.told, cert.ID, now)
	return append(
		told, fmt.Errorf("certificate %s of CA %d, client %d: %w", cert.Serial, cert.CAID, cert.ClientID, err),
	)
}
