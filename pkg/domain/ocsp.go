package domain

import (
	"context"
	"time"
)

// CertificateOfResponder is the kind of certificates that sign answers of OCSP.
const CertificateOfResponder CertificateKind = "ocsp"

// OCSPResponder is what signs the answers about the certificates of a CA: a certificate of the CA,
// and its private key sealed under the master key. Generation counts the responders of the CA, from
// 1.
type OCSPResponder struct {
	CAID          int64
	Generation    int64
	CertificateID int64
	SealedKey     []byte
	// What the record of the certificate has; they are only read.
	DER      []byte
	NotAfter time.Time
	Revoked  bool
}

// OCSPResponders keeps the newest responder of each CA.
//
// The group OCSPResponders of the suite tests it.
type OCSPResponders interface {
	// Of returns the responder of a CA. Errors: Missing.
	Of(ctx context.Context, caID int64) (OCSPResponder, error)
	// Replace stores the next responder of a CA in place of the one before. The caller holds
	// CAs.Lock and has read that one: a generation that is there already is an error that is no
	// *Error. Its certificate is stored before.
	Replace(ctx context.Context, r OCSPResponder) error
	// Ending returns the CAs whose responder ends before a time or is revoked, by ascending id.
	Ending(ctx context.Context, before time.Time) ([]int64, error)
}

// SerialStatus is what is known of a serial of a CA, and the state that it belongs to. Issued says
// that the CA has a record of a certificate with the serial. RevokedAt is zero when it is not
// revoked, or was resumed. Now is the clock of the database, as in CRLState.
type SerialStatus struct {
	RevocationPoint
	Issued    bool
	RevokedAt time.Time
	Reason    RevocationReason
	Now       time.Time
}
