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
	var date error
	if i.RevokedAt != nil && !i.Revoked {
		date = Fault(Invalid, "revoked_date", ReasonOnlyRevoked)
	} else if i.RevokedAt != nil && i.RevokedAt.After(now) {
		date = Fault(Invalid, "revoked_date", ReasonFuture)
	} else if i.RevokedAt != nil && i.RevokedAt.UTC().Year() < firstCRLYear {
		date = Fault(Invalid, "revoked_date", ReasonDate)
	}
	return errors.Join(requireEmail(i.Email), checkEmail(i.Email), checkDescription(i.Description), date)
}
