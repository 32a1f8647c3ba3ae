package domain

import (
	"errors"
	"fmt"
)

// ManyEnrolments is what is asked of links for many sites of an instance: those of IDs, in their
// order, or, without any, those in force whose profile has a state, by ascending id.
type ManyEnrolments struct {
	EnrolmentSpec // its ClientID is ignored
	IDs           []int64
	State         ProfileState // empty: ProfileStale
	After         int64        // only those with a higher id; not with IDs
}

// Validate joins the faults of all fields but the format.
func (m ManyEnrolments) Validate() error {
	var faults FaultList
	switch {
	case len(m.IDs) > 0 && (m.State != "" || m.After != 0):
		faults.Add(Fault(Rule, "ids", ReasonIDsAlone))
	case len(m.IDs) > MaxClientsAtOnce:
		faults.Add(Fault(Invalid, "ids", ReasonTooMany, MaxClientsAtOnce))
	}
	if m.State != "" && !m.State.Known() {
		faults.Add(Fault(Invalid, "state", ReasonChoice, "current, stale, linked, never"))
	}
	seen := map[int64]bool{}
	for i, id := range m.IDs {
		if seen[id] {
			faults.Add(Fault(Duplicated, fmt.Sprintf("ids[%d]", i), ReasonTwice))
		}
		seen[id] = true
	}
	return errors.Join(faults.Err(), m.EnrolmentSpec.Validate())
}
