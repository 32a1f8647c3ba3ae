package pki

import (
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// readIndex returns the revocations of the index. It reports rows that can't be read, and those of
// certificates that are valid and of which there is no file.
func (t *takeover) readIndex() []domain.Revocation {
	files := make(map[string]*found, len(t.items))
	for _, item := range t.items {
		files[item.record.Serial] = item
	}
	t.ends, t.rows = make(map[string]time.Time), make(map[string]*domain.IndexRow)
	for _, item := range t.items {
		t.ends[item.record.Serial] = item.record.NotAfter
	}
	var revoked []domain.Revocation
	for i := range t.in.Index {
		one, err := t.readIndexRow(&t.in.Index[i], files)
		if err != nil {
			row := t.in.Index[i]
			t.add(&ImportRow{
				Action: ImportFault, Kind: "revocation", Path: row.Path, Name: row.Name, Serial: row.Serial,
				NotAfter: row.NotAfter, Why: err,
			})
		} else if one.Serial != "" {
			revoked = append(revoked, one)
		}
	}
	return revoked
}

// readIndexRow returns the revocation of a row; without a serial: it is of a certificate that is
// not revoked.
func (t *takeover) readIndexRow(row *domain.IndexRow, files map[string]*found) (domain.Revocation, error) {
	number, err := ca.ParseSerial(row.Serial)
	if err != nil {
		return domain.Revocation{}, domain.Fault(domain.Malformed, "serial", domain.ReasonSerial)
	}
	serial := ca.FormatSerial(number)
	t.rows[serial] = row
	if row.RevokedAt.IsZero() {
		if files[serial] == nil && serial != ca.FormatSerial(t.authority.Certificate.SerialNumber) {
			t.add(&ImportRow{
				Action: ImportLeave, Kind: "certificate", Path: row.Path, Name: row.Name, Serial: serial,
				NotAfter: row.NotAfter, Notes: []ImportNote{NoteNoFile},
			})
		}
		return domain.Revocation{}, nil
	}
	asked := domain.SerialRevocation{Serial: serial, RevokedAt: &row.RevokedAt}
	since := domain.RevocationSpec{InvalidSince: row.Revocation.InvalidSince}
	if err := errors.Join(asked.Validate(t.now), since.Validate(t.now)); err != nil {
		return domain.Revocation{}, err
	}
	return domain.Revocation{
		CAID: t.caID, Serial: serial, RevokedAt: row.RevokedAt, Reason: row.Revocation.Reason,
		InvalidSince: row.Revocation.InvalidSince, NotAfter: row.NotAfter,
	}, nil
}

// endOf is when the certificate of a serial ends; zero: it is not known.
func (t *takeover) endOf(serial string) time.Time { return t.ends[serial] }

// rowOf is the row of the index for a serial, or nil.
func (t *takeover) rowOf(serial string) *domain.IndexRow { return t.rows[serial] }
