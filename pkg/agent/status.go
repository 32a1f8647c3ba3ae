package agent

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Status is what the files of an instance say of it. No program is asked.
type Status struct {
	InstanceID  int64
	Dir         string
	Unit        string
	ConfirmedAt time.Time // when the service last said that this is its state, to a minute
	Lists       []ListStatus
	Pending     int    // names whose sessions are to end, or have just ended
	Reload      Reload // what is still to be done
	Faults      []string
}

// ListStatus is the revocation list of a CA.
type ListStatus struct {
	CA         string
	Number     string
	ThisUpdate time.Time
	NextUpdate time.Time
	Entries    int
	Urgency    Urgency
}

// silentAfter is how long the service may not have confirmed the state.
const silentAfter = 5 * time.Minute

// StatusOf reads the status of an instance.
func StatusOf(id int64, dir string, now time.Time) (s Status, err error) {
	d, err := lookAt(dir)
	if err != nil {
		return s, err
	}
	m, err := d.recall(id)
	if err := errors.Join(err, d.Close()); err != nil {
		return s, err
	}
	s = Status{
		InstanceID: id, Dir: dir, Unit: m.Unit, ConfirmedAt: m.ConfirmedAt, Pending: len(m.Pending), Reload: m.Reload,
	}
	for _, issuer := range slices.Sorted(maps.Keys(m.Lists)) {
		l := m.Lists[issuer]
		s.Lists = append(s.Lists, ListStatus{l.CA, l.Number, l.ThisUpdate, l.NextUpdate, l.Entries, l.urgency(now)})
	}
	s.judge(now)
	return s, nil
}

// judge finds what is wrong.
func (s *Status) judge(now time.Time) {
	add := func(format string, args ...any) { s.Faults = append(s.Faults, fmt.Sprintf(format, args...)) }
	if s.ConfirmedAt.IsZero() {
		add("the service was never reached")
	} else if silent := now.Sub(s.ConfirmedAt); silent > silentAfter {
		add("the service has not answered for %s", silent.Round(time.Second))
	}
	for _, l := range s.Lists {
		left := l.NextUpdate.Sub(now).Round(time.Second)
		switch {
		case l.Urgency == Expired:
			add("the revocation list of %s has ended: OpenVPN refuses everybody", l.CA)
		case l.Urgency > Calm:
			add("the revocation list of %s ends in %s: OpenVPN refuses everybody then", l.CA, left)
		}
	}
	if s.Reload == Restart {
		add("OpenVPN has to be restarted")
	}
}
