package tunnel

import (
	"context"
	"crypto/x509"
	"fmt"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxAgentRevoked is how many revocations an agent gets at once.
const maxAgentRevoked = 1000

// AgentRevocation is the revocation of a certificate.
type AgentRevocation struct {
	domain.Revocation
	Name string // whose sessions end; empty: all, because it may be anybody's
}

// AgentRevocations are the revocations of all CAs of an instance after a cursor.
type AgentRevocations struct {
	Cursor string
	// Complete says that none is missing. One may be when there was no cursor, when the database
	// has another history since, and when there are too many.
	Complete bool
	List     []AgentRevocation // without those that have been lifted again
}

// revokedSince lists what was revoked after a cursor, up to the given states.
func (s *Instances) revokedSince(
	ctx context.Context, cursor string, lists map[int64]domain.CRLState,
) (r AgentRevocations, err error) {
	r.Cursor = cursorOf(lists)
	since, ok := parseCursor(cursor, lists)
	r.Complete = ok
	for _, id := range sorted(lists) {
		if !r.Complete || since[id] == lists[id].Epoch {
			continue
		}
		found, err := s.Store.Revocations().After(ctx, id, since[id])
		if err != nil {
			return r, err
		}
		if err := s.addRevoked(ctx, &r, found, lists[id].Epoch); err != nil {
			return r, err
		}
	}
	if !r.Complete {
		r.List = nil
	}
	return r, nil
}

// addRevoked adds those of a CA's revocations that are in force, and not later than an epoch: the
// next answer has those.
func (s *Instances) addRevoked(
	ctx context.Context, r *AgentRevocations, found []domain.Revocation, epoch int64,
) error {
	for _, one := range found {
		if one.Epoch > epoch || one.Lifted() {
			continue
		}
		if len(r.List) == maxAgentRevoked {
			r.Complete = false
			return nil
		}
		cert, err := s.Store.Certificates().OfSerial(ctx, one.CAID, one.Serial)
		if err != nil && !domain.IsKind(err, domain.Missing) {
			return err
		}
		r.List = append(r.List, AgentRevocation{one, sessionsOf(cert)})
	}
	return nil
}

// sessionsOf returns the common name of the sessions that a certificate is for. What a CA has
// issued has other names, and who knows only the serial knows no name: both are empty.
func sessionsOf(cert domain.Certificate) string {
	if cert.Kind == domain.CertificateOfCA {
		return ""
	}
	if cert.Kind == domain.CertificateOfForeign {
		if parsed, err := x509.ParseCertificate(cert.DER); err != nil || parsed.IsCA {
			return ""
		}
	}
	return cert.Name
}

// cursorOf writes the epochs of the lists: the incarnation of the database, and for each CA its id
// and its epoch.
func cursorOf(lists map[int64]domain.CRLState) string {
	var b strings.Builder
	for i, id := range sorted(lists) {
		if i == 0 {
			b.WriteString(lists[id].Incarnation)
		}
		fmt.Fprintf(&b, ".%d:%d", id, lists[id].Epoch)
	}
	return b.String()
}

// parseCursor reads what cursorOf has written. ok is false for one of another history. A CA that it
// does not have is of a successor, whose revocations are all new.
func parseCursor(cursor string, lists map[int64]domain.CRLState) (since map[int64]int64, ok bool) {
	incarnation, rest, ok := strings.Cut(cursor, ".")
	since = map[int64]int64{}
	for part := range strings.SplitSeq(rest, ".") {
		left, right, _ := strings.Cut(part, ":")
		id, err1 := strconv.ParseInt(left, 10, 64)
		epoch, err2 := strconv.ParseInt(right, 10, 64)
		if err1 != nil || err2 != nil {
			return since, false
		}
		since[id] = epoch
	}
	for id, list := range lists {
		if list.Incarnation != incarnation || since[id] > list.Epoch {
			return since, false
		}
	}
	return since, ok
}
