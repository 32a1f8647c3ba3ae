package tunnel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// AgentRequest is what an agent asks for.
type AgentRequest struct {
	Tag    string // of the answer before; empty: there was none
	Cursor string // of the state before; empty: there was none
	Keys   bool   // also what is secret
}

// AgentAnswer is what an agent gets. Bundle and the fields after it are set only when Tag is not
// the one that was sent.
type AgentAnswer struct {
	Tag     string
	Bundle  *Bundle
	KeyTag  string // changes with the keys of the server
	Revoked AgentRevocations
	Kill    []domain.TunnelSession // those that somebody asked to end
}

// Changes tells when something has changed in the database.
type Changes interface {
	// Watch calls look, and again after changes, until it reports true or an error, or the time is
	// over.
	Watch(ctx context.Context, wait time.Duration, look func(context.Context) (bool, error)) error
}

// AwaitAgent waits until the agent of an instance has to know more than what has a tag, for the
// time wait at most, and returns the tag then. Errors: those of Agent, and of Changes.
func (s *Instances) AwaitAgent(
	ctx context.Context, id int64, tag string, wait time.Duration,
) (now string, err error) {
	err = s.Changes.Watch(ctx, wait, func(ctx context.Context) (bool, error) {
		seen, err := s.agentPoint(ctx, id)
		if err == nil {
			now = seen.tag()
		}
		return now != tag, err
	})
	return now, err
}

// Agent returns what the agent of an instance needs to know. As long as nothing has changed, it
// reads two rows. Errors: *domain.Error with Missing; with Forbidden for an apikey of other
// instances.
func (s *Instances) Agent(ctx context.Context, id int64, request AgentRequest) (answer AgentAnswer, err error) {
	seen, err := s.agentPoint(ctx, id)
	if err != nil || seen.tag() == request.Tag {
		return AgentAnswer{Tag: request.Tag}, err
	}
	// Lists that are due are signed first: the state of their CAs changes with that.
	if _, err := s.CRLs.Chain(ctx, seen.mark.CAID); err != nil {
		return answer, err
	}
	// The point is read before the contents, which are never older than it then.
	if seen, err = s.agentPoint(ctx, id); err != nil {
		return answer, err
	}
	answer.Tag, answer.KeyTag = seen.tag(), seen.keyTag()
	if answer.Revoked, err = s.revokedSince(ctx, request.Cursor, seen.lists); err != nil {
		return answer, err
	}
	if answer.Kill, err = s.Store.TunnelSessions().Killing(ctx, id); err != nil {
		return answer, err
	}
	// Its texts are those of a bundle with keys: the agent has them, also when it asks for none.
	answer.Bundle, err = s.Bundle(ctx, id, BundleRequest{Format: BundleJSON})
	if err == nil && !request.Keys {
		answer.Bundle.Files = slices.DeleteFunc(answer.Bundle.Files, func(f File) bool { return f.Secret })
	}
	return answer, err
}

// agentPoint is the state of everything that the agent of an instance has to know.
type agentPoint struct {
	id    int64
	mark  domain.InstanceMark
	lists map[int64]domain.CRLState
}

// agentPoint reads it for the agent of the instance.
func (s *Instances) agentPoint(ctx context.Context, id int64) (p agentPoint, err error) {
	if !domain.PrincipalOf(ctx).Limits.Admits(id) {
		return p, domain.Fault(domain.Forbidden, "id", domain.ReasonOtherInstance)
	}
	p.id = id
	if p.mark, err = s.Store.Instances().Mark(ctx, id); err != nil {
		return p, err
	}
	p.lists, err = s.CRLs.States(ctx, p.mark.CAID)
	return p, err
}

func (p agentPoint) tag() string {
	hash := sha256.New()
	m := p.mark
	for _, at := range []time.Time{m.UpdatedAt, m.ReloadedAt, m.ModelAt} {
		fmt.Fprintln(hash, at.UnixMicro())
	}
	fmt.Fprintln(hash, p.id, m.CertificateID, m.Revision, m.Control, m.Earlier)
	for _, id := range sorted(p.lists) {
		l := p.lists[id]
		fmt.Fprintln(hash, id, l.Epoch, l.Mark, l.CA, l.Incarnation, l.Number, l.RenewedAt.UnixMicro())
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

func (p agentPoint) keyTag() string {
	sum := sha256.Sum256(fmt.Appendln(nil, p.id, p.mark.CertificateID, p.mark.Control, p.mark.Earlier))
	return hex.EncodeToString(sum[:16])
}

func sorted[V any](m map[int64]V) []int64 {
	ids := make([]int64, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
