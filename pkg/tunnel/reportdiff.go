package tunnel

import (
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// difference is what a report changes of the open sessions of an instance.
type difference struct{ begun, altered, ended []domain.TunnelSession }

// compare compares the open sessions with a report that came at a time.
func compare(open []domain.TunnelSession, r Report, now time.Time) (d difference) {
	at := make(map[domain.SessionKey]domain.TunnelSession, len(open))
	for _, one := range open {
		at[one.SessionKey] = one
	}
	seen := make(map[domain.SessionKey]bool, len(r.Sessions))
	for _, one := range r.Sessions {
		if seen[one.SessionKey] {
			continue
		}
		seen[one.SessionKey] = true
		known, ok := at[one.SessionKey]
		if !ok {
			begun := domain.TunnelSession{SeenSession: one, ConnectedAt: begin(one.Since, r.At, now)}
			d.begun = append(d.begun, begun)
			continue
		}
		one.Name = known.Name
		if one != known.SeenSession {
			known.SeenSession = one
			d.altered = append(d.altered, known)
		}
	}
	gone := make(map[domain.SessionKey]domain.SeenSession, len(r.Ended))
	for _, one := range r.Ended {
		gone[one.SessionKey] = one
	}
	for _, one := range open {
		last, told := gone[one.SessionKey]
		if seen[one.SessionKey] || !told && !r.whole(one.Number) {
			continue
		}
		one.BytesIn, one.BytesOut = max(one.BytesIn, last.BytesIn), max(one.BytesOut, last.BytesOut)
		one.EndedAt = now
		d.ended = append(d.ended, one)
	}
	return d
}

// begin is when a session began by the clock of the service, which the one of the server may differ
// from.
func begin(since int64, there, now time.Time) time.Time {
	age := max(0, there.Sub(time.Unix(since, 0)))
	return now.Add(-age).Truncate(time.Microsecond)
}

// places are the newest sessions, after the difference, of the clients that it is about. A client
// that has several has the newest that is open.
func (d difference) places(open []domain.TunnelSession) []domain.Place {
	left := make(map[int64]domain.Place, len(d.begun)+len(d.ended))
	for _, one := range d.ended {
		left[one.ClientID] = placeOf(one, 0, one.EndedAt)
	}
	for _, one := range d.begun {
		left[one.ClientID] = domain.Place{}
	}
	gone := make(map[int64]bool, len(d.ended))
	for _, one := range d.ended {
		gone[one.ID] = true
	}
	for _, one := range append(open[:len(open):len(open)], d.begun...) {
		if _, about := left[one.ClientID]; about && !gone[one.ID] {
			left[one.ClientID] = placeOf(one, one.ID, one.ConnectedAt)
		}
	}
	delete(left, 0)
	list := make([]domain.Place, 0, len(left))
	for _, id := range sorted(left) {
		list = append(list, left[id])
	}
	return list
}

func placeOf(s domain.TunnelSession, sessionID int64, seen time.Time) domain.Place {
	return domain.Place{
		ClientID: s.ClientID, InstanceID: s.InstanceID, SessionID: sessionID, ConnectedAt: s.ConnectedAt, SeenAt: seen,
		Real: s.Real, Address: s.Address, AddressV6: s.AddressV6,
	}
}
