package domain

import (
	"errors"
	"time"
)

// Proof records how, and when, a principal was authenticated, so that it can be checked again.
type Proof struct {
	// access point at which the rights were read; zero: they come from no row, and are not read
	// again
	Point      AccessPoint
	Generation int64     // of the credential
	Bound      string    // what the credential is bound by, see Holder.BoundBy
	Passing    bool      // whether the credential is an access token or a session
	Until      time.Time // when the credential ends; zero: never by itself
}

// ErrRightsMoved says that the access rights have changed since those of the caller were read: they
// have to be read again.
var ErrRightsMoved = errors.New("domain: rights have changed since they were read")

// Check returns the fault of a principal that lacks the right that it needs; nil when it has it.
func (p Principal) Check() error {
	if p.Needs.Scope == "" || p.May(p.Needs.Scope, p.Needs.Write) {
		return nil
	}
	right := "read"
	if p.Needs.Write {
		right = "write"
	}
	return Fault(Forbidden, "authorization", ReasonScope, string(p.Needs.Scope), right)
}
