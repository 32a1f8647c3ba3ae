package domain

import (
	"errors"
	"fmt"
	"time"
)

// MaxClientsAtOnce is how many clients one request may change, or hand out.
const MaxClientsAtOnce = 1000

// ClientSelection says which clients a request is about: those of IDs, in their order, or, without
// any, those that the other fields select, by ascending id. Of the latter only those count that are
// neither revoked nor suspended.
type ClientSelection struct {
	IDs           []int64
	Name          string // as in a ClientFilter
	CAID          int64
	InstanceID    int64     // only those that have a config there
	ExpiresBefore time.Time // exclusive
	After         int64     // only those with a higher id; not with IDs
}

// Filter returns the clients that the fields beside IDs select.
func (s ClientSelection) Filter() ClientFilter {
	return ClientFilter{Name: s.Name, CAID: s.CAID, InstanceID: s.InstanceID, ExpiresBefore: s.ExpiresBefore}
}

// Validate joins the faults of all fields: nothing that selects, IDs beside another field, an id
// that is given twice, too many of them.
func (s ClientSelection) Validate() error {
	byField := s.Name != "" || s.CAID != 0 || s.InstanceID != 0 || !s.ExpiresBefore.IsZero()
	switch {
	case len(s.IDs) == 0 && !byField:
		return Fault(Required, "ids", ReasonEither, "ids, name, ca_id, instance_id, expires_before")
	case len(s.IDs) > 0 && (byField || s.After != 0):
		return Fault(Rule, "ids", ReasonIDsAlone)
	case len(s.IDs) > MaxClientsAtOnce:
		return Fault(Invalid, "ids", ReasonTooMany, MaxClientsAtOnce)
	}
	var faults FaultList
	seen := map[int64]bool{}
	for i, id := range s.IDs {
		if seen[id] {
			faults.Add(Fault(Duplicated, fmt.Sprintf("ids[%d]", i), ReasonTwice))
		}
		seen[id] = true
	}
	return faults.Err()
}

// Check checks what a renewal asks for of any client: the faults that do not depend on one. Errors:
// *Error.
func (r ClientRenewal) Check() error {
	return errors.Join(r.checkOverlap(), checkLife(r.Expiration, MaxClientLife))
}

func (r ClientRenewal) checkOverlap() error {
	if r.Overlap != nil && (*r.Overlap < 0 || *r.Overlap > MaxRenewalOverlap) {
		return Fault(Invalid, "overlap", ReasonDuration, LongestRenewalOverlap)
	}
	return nil
}

// RenewedClient is what became of one client of a renewal of many.
type RenewedClient struct {
	ID        int64
	Name      string // empty: no client has the id
	OldSerial string
	Serial    string    // of the new certificate; empty in a dry run
	ExpiresAt time.Time // of the new certificate; zero in a dry run
	Err       error     // why it was not renewed; nil: it was
}

// RenewedClients is what became of a renewal of many.
type RenewedClients struct {
	Clients []RenewedClient
	// Next is the id after which the clients begin that are left; 0: none is.
	Next int64
}
