package domain

import (
	"errors"
	"time"
)

// ClientImport is a certificate that was made elsewhere. RevokedAt nil means now, if Revoked.
type ClientImport struct {
	CAID        int64
	Email       string
	Description string
	Certificate []byte // PEM
	Key         Secret // PEM
	Password    Secret // of the key
	Revoked     bool
	RevokedAt   *time.Time
}

// Validate joins the faults of the fields that can be judged without opening certificate and key.
func (i ClientImport) Validate(now time.Time) error {
	return errors.Join(requireEmail(i.Email), checkEmail(i.Email), checkDescription(i.Description),
		checkRevokedDate(i.Revoked, i.RevokedAt, now))
}

// checkRevokedDate checks since when a certificate is said to be revoked.
func checkRevokedDate(revoked bool, at *time.Time, now time.Time) error {
	switch {
	case at == nil:
		return nil
	case !revoked:
		return Fault(Invalid, "revoked_date", ReasonOnlyRevoked)
	case at.After(now):
		return Fault(Invalid, "revoked_date", ReasonFuture)
	case at.UTC().Year() < firstCRLYear:
		return Fault(Invalid, "revoked_date", ReasonDate)
	}
	return nil
}
