package pki

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Restore completes a database that was set back to an earlier state, so that what was published
// since then stays published.
type Restore struct {
	Store       domain.Store
	Authorities *Authorities
	Recorder    *audit.Recorder
	Signing     Rotator
	Now         func() time.Time
}

// Rotator rotates the signing keys. With revoke it ends all sessions and access tokens.
type Rotator interface {
	Rotate(ctx context.Context, revoke bool) error
}

// LostState is the state of the database before it was set back, as far as it can still be read.
type LostState interface {
	// Incarnation returns the incarnation, empty if there was none yet.
	Incarnation(ctx context.Context) (string, error)
	CAs(ctx context.Context) ([]domain.KnownCA, error)
	Revocations(ctx context.Context, caID int64) ([]domain.Revocation, error)
	// Issued calls each with the certificates of the CA, in batches.
	Issued(ctx context.Context, caID int64, each func([]domain.Issued) error) error
	// AccessChanges returns the changes of access control that come after these ends of the audit's
	// chains.
	AccessChanges(ctx context.Context, ends []domain.Link) ([]domain.Event, error)
}

// Since holds what is known about the time since the backup.
type Since struct {
	Origin       string          // where the database came from; the audit records it
	Lost         LostState       // nil if it can't be read
	CRLs         [][]byte        // published lists, in PEM or DER
	Numbers      map[int64]int64 // by id of the CA: the number of a list that is known to have been published
	Ended        []string        // incarnations to end, besides the database's own
	RevokeIssued bool            // revoke the certificates that were issued since the backup
	AcceptLoss   bool            // go on even if it is not known for some CA what was published
}

// Restored is what was done, and what the operator must know.
type Restored struct {
	CAs    []RestoredCA
	Gone   []domain.KnownCA // CAs created since the backup, which this database does not have
	Access []domain.Event   // changes of access control that are undone
	Lost   bool             // the lost state could be read, so Gone, Access and Issued are complete
	ended  []string         // incarnations to end
}

// RestoredCA is what was done for one CA.
type RestoredCA struct {
	ID                int64
	Name              string
	NumberWas, Number int64           // of the last list, before and after
	Revocations       int             // how many were added or changed
	Issued            []domain.Issued // issued since the backup and missing here
	Overlaps          int             // how many certificates end with an overlap that ran
	Known             bool            // it is known what was published since the backup
	Renewed           bool            // it has another certificate for its key since the backup
	issuer            *x509.Certificate
	base              *big.Int                     // see domain.CRLState
	known             map[string]domain.Revocation // what the database has, by serial
	revocations       []domain.Revocation          // to store; Changed: instead of what the database has
	earlier           []domain.Revocation          // suspensions on lists that are not later than the database
	overlaps          []domain.Issued              // of certificates that the database has, not revoked since
	last              *domain.CRL                  // the latest published list, if it is later than the database's
}

// UnknownSinceError names the CAs for which it is not known what was published since the backup.
type UnknownSinceError struct{ Names []string }

// Error describes what is not known.
func (e *UnknownSinceError) Error() string {
	return fmt.Sprintf("it is not known which certificates of the CAs %q were revoked since the backup", e.Names)
}

// Complete merges what is known into the database, records an audit event, and ends all sessions
// and access tokens. Errors: *UnknownSinceError, unless AcceptLoss is set.
func (r *Restore) Complete(ctx context.Context, since Since) (Restored, error) {
	result, err := r.plan(ctx, since)
	if err != nil {
		return Restored{}, err
	}
	if err := result.complete(since, r.Now()); err != nil {
		return Restored{}, err
	}
	err = r.Recorder.Apply(ctx, r.Store, func(tx domain.Store) (none audit.Change, err error) {
		for i := range result.CAs {
			if err := result.CAs[i].apply(ctx, tx); err != nil {
				return none, fmt.Errorf("CA %d: %w", result.CAs[i].ID, err)
			}
		}
		if err := r.renew(ctx, tx, result.ended); err != nil {
			return none, err
		}
		return audit.Change{
			Action: domain.ActionRestore, Resource: domain.ResourceDatabase, Name: since.Origin, After: result.facts(),
		}, nil
	})
	if err != nil {
		return Restored{}, err
	}
	return result, r.Signing.Rotate(ctx, true)
}

// renew gives the database a new incarnation, so that nothing that a replica remembers of another
// history counts for this one.
func (r *Restore) renew(ctx context.Context, tx domain.Store, ended []string) error {
	before, err := tx.Histories().Incarnation(ctx)
	if err == nil {
		_, err = tx.Histories().Renew(ctx, before.Value, r.Now(), append(ended, before.Value)...)
	}
	return err
}

// plan determines what is to be done, and changes nothing.
func (r *Restore) plan(ctx context.Context, since Since) (Restored, error) {
	result := Restored{Lost: since.Lost != nil, ended: since.Ended}
	if err := r.readCAs(ctx, since, &result); err != nil {
		return result, err
	}
	if since.Lost != nil {
		if err := r.readLost(ctx, since, &result); err != nil {
			return result, fmt.Errorf("read the database before: %w", err)
		}
	}
	for i, list := range since.CRLs {
		if err := result.readList(list); err != nil {
			return result, fmt.Errorf("CRL %d of %d: %w", i+1, len(since.CRLs), err)
		}
	}
	for i := range result.CAs {
		if err := result.CAs[i].leaveKnown(ctx, r.Store); err != nil {
			return result, err
		}
	}
	return result, nil
}

func (r *Restore) readCAs(ctx context.Context, since Since, result *Restored) error {
	ids, err := r.Store.CAs().IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		one, err := readRestored(ctx, r.Store, id)
		if err != nil {
			return err
		}
		one.Number = max(one.NumberWas, since.Numbers[id])
		result.CAs = append(result.CAs, one)
	}
	return nil
}

// readRestored reads what the database knows about the lists of a CA.
func readRestored(ctx context.Context, store domain.Store, id int64) (RestoredCA, error) {
	one := RestoredCA{ID: id}
	record, err := store.CAs().Get(ctx, id)
	if err != nil {
		return one, err
	}
	key, err := store.CAs().Key(ctx, id)
	if err != nil {
		return one, err
	}
	if one.issuer, err = ca.ReadCertificate(key.Certificate); err != nil {
		return one, err
	}
	state, err := store.CRLs().State(ctx, id)
	if err != nil {
		return one, err
	}
	one.Name, one.NumberWas, one.Number, one.base = record.Name, state.Number, state.Number, state.Base
	return one, nil
}

// complete adds the certificates to be revoked. It refuses if it is not known what was published,
// unless AcceptLoss is set.
func (r *Restored) complete(since Since, now time.Time) error {
	var unknown []string
	for i := range r.CAs {
		if !r.CAs[i].Known {
			unknown = append(unknown, r.CAs[i].Name)
		}
		if since.RevokeIssued {
			r.CAs[i].revokeIssued(now)
		}
	}
	if len(unknown) > 0 && !since.AcceptLoss {
		return &UnknownSinceError{unknown}
	}
	return nil
}

func (r Restored) facts() audit.Facts {
	lists := map[string]int64{}
	added, unknown := 0, []string{}
	for _, one := range r.CAs {
		lists[one.Name] = one.Number
		added += one.Revocations
		if !one.Known {
			unknown = append(unknown, one.Name)
		}
	}
	return audit.Facts{"crl_numbers": lists, "revocations_added": added, "unknown": unknown}
}
