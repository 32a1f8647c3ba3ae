package ca

import (
	"crypto/x509"
	"fmt"
	"time"
)

// ReadForeignCRL reads a CRL that was made elsewhere, PEM or DER, and checks
// that it is a complete one of the CA, from which the CA's own lists can go on.
// It fails as [ParseCRL] and [CRL.CheckFrom] do, and with [ErrLongNumber].
func ReadForeignCRL(data []byte, issuer *x509.Certificate) (*CRL, error) {
	list, err := ParseCRL(data)
	if err == nil {
		err = list.CheckFrom(issuer)
	}
	if err == nil {
		err = list.CheckNumbers()
	}
	return list, err
}

// CheckNumbers fails with [ErrLongNumber] when the list's number or a serial is
// one that the CA's own lists could not carry.
func (l *CRL) CheckNumbers() error {
	if l.Number != nil && len(l.Number.Bytes()) > MaxCRLNumberBytes {
		return fmt.Errorf("%w: the CRL number", ErrLongNumber)
	}
	for i := range l.Entries {
		if len(l.Entries[i].Serial.Bytes()) > maxForeignSerialBytes {
			return fmt.Errorf("%w: the serial of entry %d", ErrLongNumber, i+1)
		}
	}
	return nil
}

// Revocations returns the entries that the CA's own lists take over: each serial once, by its first
// entry, without the revocations that are taken back, with dates and a reason that an entry can
// have.
func (l *CRL) Revocations() []Revocation {
	var all []Revocation
	seen := map[string]bool{}
	for _, entry := range l.Entries {
		serial := FormatSerial(entry.Serial)
		if seen[serial] || entry.Reason == RemoveFromCRL {
			continue
		}
		seen[serial] = true
		all = append(all, Revocation{
			Serial: entry.Serial, RevokedAt: nearestDate(entry.RevokedAt), Reason: knownReason(entry.Reason),
			InvalidityDate: knownDate(entry.InvalidityDate),
		})
	}
	return all
}

// nearestDate is the nearest date that an entry can carry. No list that can be
// read has a year above 9999.
func nearestDate(at time.Time) time.Time {
	if !Representable(at) {
		return time.Date(1950, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	return at
}

// knownDate is the date, or the zero time if an entry can't carry it.
func knownDate(at time.Time) time.Time {
	if !Representable(at) {
		return time.Time{}
	}
	return at
}

// knownReason is the reason of an entry, [Unspecified] if it is none that a list may name.
func knownReason(code Reason) Reason {
	if !code.inFullList() {
		return Unspecified
	}
	return code
}
