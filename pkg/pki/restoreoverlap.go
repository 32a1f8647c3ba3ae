package pki

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// endOverlaps lets the certificates that were renewed since the backup end when their overlap does,
// as the lost state had it. The successor of such a certificate may be missing: then it is among
// those that were issued, and the client is revoked at the end of the overlap, as its certificate
// was to be. An end that the database knows stays if it is not later.
func (c *RestoredCA) endOverlaps(ctx context.Context, tx domain.Store) error {
	for _, one := range c.overlaps {
		cert, err := tx.Certificates().OfSerial(ctx, c.ID, one.Serial)
		if err != nil {
			return err
		}
		known := cert.SupersededAt
		if cert.Revoked() && !cert.Suspended() || !known.IsZero() && !known.After(one.SupersededAt) {
			continue
		}
		if err := tx.Certificates().Supersede(ctx, cert.ID, one.SupersededAt); err != nil {
			return err
		}
		c.Overlaps++
	}
	return nil
}
