package domain

import (
	"errors"
	"time"
)

// Proof is by what, and when, a principal was authenticated, so that it can be looked at again.
type Proof struct {
	Point      AccessPoint // at which the rights were read; zero: they come from no row, and are not read again
	Generation int64       // of the credential
	Bound      string      // what the credential is bound by, see Holder.BoundBy
	Passing    bool        // whether the credential is an access token or a session
	Until      time.Time   // when the credential ends; zero: never by itself
}

// ErrRightsMoved says that who may do what has changed since the rights of the caller were read: they have to be read again.
var ErrRightsMoved = errors.New("domain: rights have changed since they were read")

// Check is the fault of a principal without the right that it needs; nil when it has it.
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
