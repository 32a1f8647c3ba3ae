package pki

import (
	"context"
	"maps"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// MergeCRL takes over the revocations of a list that the CA has signed elsewhere: those that are
// not known here are added. The CA's own lists go on after it. Nothing is taken back: an entry that
// the list does not have stays.
func (s *CAs) MergeCRL(ctx context.Context, id int64, list []byte) (domain.MergedCRL, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.MergedCRL, error) {
		return s.mergeCRL(ctx, id, list)
	})
}

func (s *CAs) mergeCRL(ctx context.Context, id int64, list []byte) (merged domain.MergedCRL, err error) {
	known, crl, err := s.readListOf(ctx, id, list)
	if err != nil {
		return merged, err
	}
	serials := make([]string, len(known.revocations))
	for i, one := range known.revocations {
		serials[i] = one.Serial
	}
	merged = domain.MergedCRL{CAID: id, Entries: len(serials)}
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := lockClients(ctx, tx, id, serials); err != nil { // before the CA, as all transactions lock them
			return none, err
		}
		record, err := tx.CAs().Lock(ctx, id)
		if err != nil {
			return none, err
		}
		fresh := known
		if err := fresh.leaveKnown(ctx, tx); err != nil {
			return none, err
		}
		if err := fresh.apply(ctx, tx); err != nil {
			return none, err
		}
		merged.Added = fresh.Revocations
		return audit.Change{
			Action: domain.ActionImport, Resource: domain.ScopeCAs, ID: id, Name: record.Name, Result: merged,
			After: audit.Facts{
				"crl_entries": merged.Entries, "revocations_added": merged.Added,
				"this_update": audit.Moment(crl.ThisUpdate),
			},
		}, nil
	})
	return merged, err
}

// readListOf reads a list and checks that it is a complete one of the CA.
func (s *CAs) readListOf(ctx context.Context, id int64, list []byte) (RestoredCA, *ca.CRL, error) {
	known, err := readRestored(ctx, s.Store, id)
	if err != nil {
		return known, nil, err
	}
	crl, err := s.readCRL(list, known.issuer)
	if err == nil && crl == nil {
		err = domain.Fault(domain.Required, "crl", domain.ReasonRequired)
	}
	if err != nil {
		return known, nil, err
	}
	if err := known.readList(crl); err != nil {
		return known, nil, crlFault(err)
	}
	return known, crl, nil
}

// lockClients locks the clients that have the certificates of these serials, by ascending id.
func lockClients(ctx context.Context, tx domain.Store, caID int64, serials []string) error {
	found, err := tx.Certificates().ClientsOf(ctx, caID, serials)
	if err != nil {
		return err
	}
	for _, id := range slices.Compact(slices.Sorted(maps.Values(found))) {
		if id == 0 {
			continue
		}
		if _, err := tx.Clients().Lock(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
