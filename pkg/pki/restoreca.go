package pki

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// revokeIssued adds the certificates that the database does not have to the revocations, because
// there is no row by which they could be revoked later.
func (c *RestoredCA) revokeIssued(now time.Time) {
	revoked := make(map[string]bool, len(c.revocations))
	for _, one := range c.revocations {
		revoked[one.Serial] = true
	}
	for i, one := range c.Issued {
		known, changed := c.known[one.Serial]
		if !revoked[one.Serial] && (!changed || known.Lifted()) {
			c.revocations = append(
				c.revocations, domain.Revocation{
					CAID: c.ID, Serial: one.Serial, RevokedAt: now, NotAfter: one.NotAfter, Changed: changed,
				},
			)
		}
		c.Issued[i].Revoked = true
	}
}

// apply stores what was planned for one CA. The next list then has the revocations, and a later
// number and thisUpdate than every published one.
func (c *RestoredCA) apply(ctx context.Context, tx domain.Store) error {
	if err := tx.CRLs().Continue(ctx, c.ID, c.Number, c.last); err != nil {
		return err
	}
	if err := c.endOverlaps(ctx, tx); err != nil {
		return err
	}
	if c.Revocations = len(c.revocations); c.Revocations == 0 {
		return nil // no list could ever reach an epoch without revocations
	}
	epoch, err := tx.Revocations().Advance(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := c.store(ctx, tx, epoch); err != nil {
		return err
	}
	return c.markClients(ctx, tx)
}

// store adds the revocations under an epoch, and changes those that the database has.
func (c *RestoredCA) store(ctx context.Context, tx domain.Store, epoch int64) error {
	var added []domain.Revocation
	for i := range c.revocations {
		one := &c.revocations[i]
		one.CAID, one.Epoch = c.ID, epoch
		if !one.Changed {
			added = append(added, *one)
		} else if err := tx.Revocations().Change(ctx, *one); err != nil {
			return err
		}
	}
	return tx.Revocations().Add(ctx, added)
}

// markBatchSize is how many certificates are looked up at once.
const markBatchSize = 500

// markClients marks the certificates that are revoked, and their clients.
func (c *RestoredCA) markClients(ctx context.Context, tx domain.Store) error {
	for batch := range slices.Chunk(c.revocations, markBatchSize) {
		serials := make([]string, len(batch))
		for i, one := range batch {
			serials[i] = one.Serial
		}
		clients, err := tx.Certificates().ClientsOf(ctx, c.ID, serials)
		if err != nil {
			return err
		}
		for _, one := range batch {
			if id, ok := clients[one.Serial]; ok {
				if err := c.markClient(ctx, tx, id, one); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// markClient marks a certificate as revoked, and its client if it is the newest one of that.
func (c *RestoredCA) markClient(ctx context.Context, tx domain.Store, clientID int64, r domain.Revocation) error {
	cert, err := tx.Certificates().OfSerial(ctx, c.ID, r.Serial)
	if err == nil {
		err = tx.Certificates().Revoke(ctx, cert.ID, r.RevokedAt, r.Reason)
	}
	if err != nil || clientID == 0 {
		return err
	}
	newest, err := tx.Certificates().OfClient(ctx, clientID)
	if err != nil || newest.ID != cert.ID {
		return err
	}
	return tx.Clients().Revoke(ctx, clientID, r.RevokedAt, r.Reason)
}

// OpenAll opens the key of every CA.
func (r *Restore) OpenAll(ctx context.Context) error {
	ids, err := r.Store.CAs().IDs(ctx)
	for _, id := range ids {
		if _, one := r.Authorities.Get(ctx, id); one != nil {
			err = errors.Join(err, one)
		}
	}
	return err
}

// Copied records in the audit that the database is a copy of one on that engine.
func (r *Restore) Copied(ctx context.Context, engine string) error {
	return r.Recorder.Apply(ctx, r.Store, func(domain.Store) (audit.Change, error) {
		return audit.Change{
			Action: domain.ActionRestore, Resource: domain.ResourceDatabase, Name: "copy",
			After: audit.Facts{"from": engine},
		}, nil
	})
}
