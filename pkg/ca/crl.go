package ca

import (
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// CRLBackdate is how far back [CRLWindow] puts thisUpdate: OpenVPN refuses
// every client while a CRL is not yet valid by its own clock.
const CRLBackdate = time.Hour

// MaxCRLNumberBytes bounds the number of a CRL that was made elsewhere, in octets. RFC 5280,
// section 5.2.3, allows 20; verifiers read any.
const MaxCRLNumberBytes = 64

// maxCRLBytes bounds what [ParseCRL] reads: about a million entries.
const maxCRLBytes = 64 << 20

// Revocation is one entry of a CRL.
type Revocation struct {
	// Serial of the revoked certificate: of any sign, at most 64 octets, for
	// other programs make other serials than RFC 5280 allows.
	Serial *big.Int
	// RevokedAt is written in whole seconds.
	RevokedAt time.Time
	// Reason is any of RFC 5280 but [RemoveFromCRL], which belongs to delta CRLs and is refused.
	// With [Unspecified] the extension is absent, as section 5.3.1 wants.
	Reason Reason
	// InvalidityDate is since when the key is known or suspected to be compromised, or the
	// certificate is invalid otherwise (RFC 5280, section 5.3.2). It is written in whole seconds,
	// and may lie before RevokedAt. The zero time leaves the extension out.
	InvalidityDate time.Time
}

// CRLRequest says what a CRL shall contain; [CRLWindow] proposes the instants.
//
// OpenVPN 2.6 may hold an old and a new CRL of one authority at once and then
// believes the one with the later ThisUpdate, in whole seconds: of two CRLs
// signed within a second, the second needs a ThisUpdate of its own.
type CRLRequest struct {
	// Number must grow with every CRL of the authority (RFC 5280, section 5.2.3): positive, at most
	// 20 octets unless the number of an imported CRL had more, and then at most 65.
	Number *big.Int
	// ThisUpdate may lie before the CA's own NotBefore; no verifier minds.
	ThisUpdate, NextUpdate time.Time
	// Revocations are written in this order.
	Revocations []Revocation
	// Encoded are written after them. No serial may be in two of them: that is not checked, for
	// there may be a million.
	Encoded []EncodedRevocation
}

// EncodedRevocation is an entry as it is written (RFC 5280, section 5.1, revokedCertificates).
type EncodedRevocation string

// EncodeRevocation encodes an entry. Errors: [ErrInvalidRequest].
func EncodeRevocation(r Revocation) (EncodedRevocation, error) {
	if err := r.validate(); err != nil {
		return "", err
	}
	return EncodedRevocation(appendRevocation(nil, &r)), nil
}

// CRLWindow returns the validity of a CRL signed now that is to live for life.
// Its beginning lies [CRLBackdate] in the past.
func CRLWindow(now time.Time, life time.Duration) (thisUpdate, nextUpdate time.Time) {
	now = now.UTC().Truncate(time.Second)
	return now.Add(-CRLBackdate), now.Add(life)
}

// CRLDue reports whether a CRL should be signed anew because two thirds of its
// validity are over. The last third is there for an operator to notice.
func CRLDue(thisUpdate, nextUpdate, now time.Time) bool {
	return !now.Before(nextUpdate.Add(-nextUpdate.Sub(thisUpdate) / 3))
}

// EncodeCRLPEM wraps a CRL in the one form OpenVPN reads: PEM (RFC 7468, section 6).
func EncodeCRLPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// validate refuses what RFC 5280, section 5, does not allow.
func (r CRLRequest) validate() error {
	if r.Number == nil || r.Number.Sign() <= 0 || len(r.Number.Bytes()) > MaxCRLNumberBytes+1 {
		return fmt.Errorf(
			"%w: the CRL number is not positive or has more than %d octets", ErrInvalidRequest, MaxCRLNumberBytes+1,
		)
	}
	if !r.ThisUpdate.Truncate(time.Second).Before(r.NextUpdate.Truncate(time.Second)) {
		return fmt.Errorf("%w: nextUpdate is not after thisUpdate", ErrInvalidRequest)
	}
	if !Representable(r.ThisUpdate) || !Representable(r.NextUpdate) {
		return fmt.Errorf("%w: the CRL's validity is not representable", ErrInvalidRequest)
	}
	return r.validateRevocations()
}

func (r CRLRequest) validateRevocations() error {
	seen := make(map[[maxSerialBytes]byte]struct{}, len(r.Revocations))
	odd := map[string]struct{}{} // serials that RFC 5280 does not allow
	for i := range r.Revocations {
		if err := r.Revocations[i].validate(); err != nil {
			return err
		}
		serial := r.Revocations[i].Serial
		if !validSerial(serial) {
			odd[FormatSerial(serial)] = struct{}{}
			continue
		}
		var key [maxSerialBytes]byte
		serial.FillBytes(key[:])
		seen[key] = struct{}{}
	}
	if len(seen)+len(odd) != len(r.Revocations) {
		return fmt.Errorf("%w: a serial number is listed twice", ErrInvalidRequest)
	}
	return nil
}

func (r *Revocation) validate() error {
	if r.Serial == nil || len(r.Serial.Bytes()) > maxForeignSerialBytes {
		return fmt.Errorf(
			"%w: a revoked serial is missing or has more than %d octets", ErrInvalidRequest, maxForeignSerialBytes,
		)
	}
	if !Representable(r.RevokedAt) {
		return fmt.Errorf(
			"%w: the revocation of %s has no representable date", ErrInvalidRequest, FormatSerial(r.Serial),
		)
	}
	if !r.Reason.inFullList() {
		return fmt.Errorf("%w: reason %d does not exist or has no place in a full CRL", ErrInvalidRequest, int(r.Reason))
	}
	if !r.InvalidityDate.IsZero() && !Representable(r.InvalidityDate) {
		return fmt.Errorf(
			"%w: the invalidity date of %s is not representable", ErrInvalidRequest, FormatSerial(r.Serial),
		)
	}
	return nil
}

// Representable reports whether a certificate and a CRL can carry a date: those
// of the years 1950 to 9999 (RFC 5280, section 4.1.2.5). The zero time is not
// among them.
func Representable(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1950 && year <= 9999
}
