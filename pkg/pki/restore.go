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

// Restore is what a database needs that has gone back to an earlier state: what was published since
// then must stay published.
type Restore struct {
	Store       domain.Store
	Authorities *Authorities
	Recorder    *audit.Recorder
	Signing     Rotator
	Now         func() time.Time
}

// Rotator ends all sessions and access tokens, with revoke.
type Rotator interface {
	Rotate(ctx context.Context, revoke bool) error
}

// LostState is the state that a database had before it went back, as far as it can still be read.
type LostState interface {
	// Incarnation returns the value of the incarnation, empty when there was none yet.
	Incarnation(ctx context.Context) (string, error)
	CAs(ctx context.Context) ([]domain.KnownCA, error)
	Revocations(ctx context.Context, caID int64) ([]domain.Revocation, error)
	// Issued calls each with the CA's certificates, in batches.
	Issued(ctx context.Context, caID int64, each func([]domain.Issued) error) error
	// AccessChanges returns what was changed of who may do what, behind these ends of the audit's
	// chains.
	AccessChanges(ctx context.Context, ends []domain.Link) ([]domain.Event, error)
}

// Since says what is known of the time since the backup.
type Since struct {
	Origin       string          // where the database came from, for the audit
	Lost         LostState       // nil: it can't be read
	CRLs         [][]byte        // lists that were published, PEM or DER
	Numbers      map[int64]int64 // by id of the CA: that a list of this number was published, whatever else is known
	Ended        []string        // incarnations that this ends, beside the database\'s own
	RevokeIssued bool            // revoke the certificates that were issued since
	AcceptLoss   bool            // go on although it is not known of some CA what was published
}

// Restored tells what has been done, and what the operator must know.
type Restored struct {
	CAs    []RestoredCA
	Gone   []domain.KnownCA // CAs that were made since: they are on no list here
	Access []domain.Event   // changes of who may do what that are undone
	Lost   bool             // the state before could be read: Gone, Access and Issued are all there was
	ended  []string         // incarnations that this ends
}

// RestoredCA is what was done for one CA.
type RestoredCA struct {
	ID                int64
	Name              string
	NumberWas, Number int64           // of the last list
	Revocations       int             // added
	Issued            []domain.Issued // since, and not known here
	Known             bool            // it is known what was published since
	issuer            *x509.Certificate
	base              *big.Int            // see domain.CRLState
	revocations       []domain.Revocation // to add
	last              *domain.CRL         // the latest list that was published, if it is later than what is here
}

// UnknownSinceError says of which CAs nothing is known.
type UnknownSinceError struct{ Names []string }

// Error describes what is missing.
func (e *UnknownSinceError) Error() string {
	return fmt.Sprintf("it is not known which certificates of the CAs %q were revoked since the backup", e.Names)
}

// Complete merges what is known into the database, ends all sessions and access tokens, and puts an
// event into the audit. Errors: *UnknownSinceError, unless AcceptLoss is set.
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

// renew gives the database a new incarnation: what anybody remembers of another history is not of
// this one.
func (r *Restore) renew(ctx context.Context, tx domain.Store, ended []string) error {
	before, err := tx.Histories().Incarnation(ctx)
	if err == nil {
		_, err = tx.Histories().Renew(ctx, before.Value, r.Now(), append(ended, before.Value)...)
	}
	return err
}

// plan finds out what is to be done, and changes nothing.
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
		one := RestoredCA{ID: id}
		record, err := r.Store.CAs().Get(ctx, id)
		if err != nil {
			return err
		}
		key, err := r.Store.CAs().Key(ctx, id)
		if err != nil {
			return err
		}
		if one.issuer, err = ca.ReadCertificate(key.Certificate); err != nil {
			return err
		}
		state, err := r.Store.CRLs().State(ctx, id)
		if err != nil {
			return err
		}
		one.NumberWas, one.base = state.Number, state.Base
		one.Name, one.Number = record.Name, max(one.NumberWas, since.Numbers[id])
		result.CAs = append(result.CAs, one)
	}
	return nil
}

// complete adds the certificates that are to be revoked, and refuses when it is not known what was
// published.
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
