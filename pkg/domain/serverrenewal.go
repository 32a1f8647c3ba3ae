package domain

import (
	"errors"
	"time"
)

// ServerRenewal is what is asked of the next certificate of an instance's server.
type ServerRenewal struct {
	Overlap      *time.Duration // how long the earlier certificate stays valid; nil: DefaultRenewalOverlap
	Expiration   *int           // days; nil: as for other servers, or until the CA ends
	KeyAlgorithm string         // empty: the default
	CAID         int64          // 0: the one before
}

// Until returns when the overlap ends that begins at the time now.
func (r ServerRenewal) Until(now time.Time) time.Time {
	return ClientRenewal{Overlap: r.Overlap}.Until(now)
}

// Validate joins the faults of all fields.
func (r ServerRenewal) Validate() error {
	return errors.Join(ClientRenewal{Overlap: r.Overlap}.checkOverlap(), checkLife(r.Expiration, MaxClientLife))
}
