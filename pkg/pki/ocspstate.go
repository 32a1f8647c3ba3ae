package pki

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ocspStateLife is how long a state is used although the revocations are the same: another replica
// may have renewed the CA or the responder.
const ocspStateLife = time.Minute

// ocspState is what answers about a CA are made of, at one state of its revocations.
type ocspState struct {
	point      domain.RevocationPoint
	read       time.Time
	issuer     ca.OCSPIssuer
	own        map[string]bool // the serials of its own certificates that it has signed itself
	generation int64           // of the responder
	responder  *ca.Responder

	mu      sync.Mutex // guards answers, for a look-up
	answers map[string]keptReply
}

// keptReply is an answer, and when it was signed by the clock that all replicas share.
type keptReply struct {
	OCSPReply
	at time.Time
}

// kept returns what was signed for a certificate.
func (s *ocspState) kept(id ca.CertID, now time.Time) (OCSPReply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply, ok := s.answers[string(id.Raw)]
	age := now.Sub(reply.at)
	return reply.OCSPReply, ok && age >= 0 && age < min(ocspStateLife, reply.Until.Sub(reply.From)/2)
}

func (s *ocspState) keep(id ca.CertID, reply OCSPReply, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bounded.Remember(s.answers, string(id.Raw), keptReply{reply, at})
}

// known returns the state of a CA that was used last, or nil.
func (s *OCSP) known(caID int64) *ocspState {
	s.mu.Lock()
	state := s.states[caID]
	s.mu.Unlock()
	now := s.Now()
	if state == nil || now.Sub(state.read).Abs() >= ocspStateLife || !now.Before(state.responder.NotAfter()) {
		return nil
	}
	return state
}

// Forget drops all states, because the database has another history.
func (s *OCSP) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.states)
}

// point reads the state of a CA's revocations. Concurrent callers share one query, which begins
// after all of them have called.
func (s *OCSP) point(ctx context.Context, caID int64) (domain.RevocationPoint, error) {
	return s.points.Do(ctx, caID, func() (domain.RevocationPoint, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), crlStateTime)
		defer cancel()
		return s.Store.Revocations().Point(ctx, caID)
	})
}

// ocspLoad is what callers that need the same state share.
type ocspLoad struct {
	caID  int64
	point domain.RevocationPoint
}

// load makes the state of a CA at a point that was read. Errors: *domain.Error with Missing;
// errOtherHistory when the point does not belong to the settled history; errNotOurs.
func (s *OCSP) load(ctx context.Context, caID int64, point domain.RevocationPoint) (*ocspState, error) {
	return s.loads.Do(ctx, ocspLoad{caID, point}, func() (*ocspState, error) {
		// The context is the service's own: not the caller's, who may go away, and whose name the
		// audit must not have.
		ctx, cancel := context.WithTimeout(context.Background(), crlStoreTime)
		defer cancel()
		incarnation, err := s.History.Settled(ctx)
		if err != nil {
			return nil, err
		}
		if incarnation != point.Incarnation {
			return nil, errOtherHistory
		}
		state, err := s.loadState(ctx, caID, point)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.states == nil {
			s.states = map[int64]*ocspState{}
		}
		bounded.Remember(s.states, caID, state)
		return state, nil
	})
}

// loadState reads all of a state, or only what a revocation may have changed.
func (s *OCSP) loadState(ctx context.Context, caID int64, point domain.RevocationPoint) (*ocspState, error) {
	state := &ocspState{point: point, read: s.Now(), answers: map[string]keptReply{}}
	before := s.known(caID)
	if before != nil && point.Follows(before.point) {
		state.read, state.issuer, state.own = before.read, before.issuer, before.own
	} else if err := s.readIssuer(ctx, caID, state); err != nil {
		return nil, err
	}
	return state, s.readResponder(ctx, caID, state, before)
}

// readIssuer reads by what requests may name the CA: the subject and the key of each certificate
// that it has had.
func (s *OCSP) readIssuer(ctx context.Context, caID int64, state *ocspState) error {
	key, err := s.Store.CAs().Key(ctx, caID)
	if err != nil {
		return err
	}
	others, err := s.Store.CAs().Certificates(ctx, caID)
	if err != nil {
		return err
	}
	ders := [][]byte{key.Certificate}
	for _, one := range others {
		ders = append(ders, one.DER)
	}
	var certs []*x509.Certificate
	state.own = map[string]bool{}
	for _, der := range ders {
		cert, err := ca.ReadCertificate(der)
		if err != nil {
			return err
		}
		certs = append(certs, cert)
		if ca.SelfSigned(cert) {
			state.own[ca.FormatSerial(cert.SerialNumber)] = true
		}
	}
	state.issuer = ca.NewOCSPIssuer(certs...)
	return nil
}

// readResponder opens the responder of a CA, and makes the first one, or the next in place of one
// that is revoked or has ended.
func (s *OCSP) readResponder(ctx context.Context, caID int64, state, before *ocspState) error {
	record, err := s.usableResponder(ctx, caID)
	if err != nil {
		return err
	}
	state.generation = record.Generation
	if before != nil && before.generation == record.Generation && before.point.CA == state.point.CA {
		state.responder = before.responder
		return nil
	}
	state.responder, err = s.openResponder(ctx, record)
	return err
}
