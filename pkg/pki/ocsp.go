package pki

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/history"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// OCSP answers whether certificates are good (RFC 6960). Each answer has every revocation that was
// committed before the request: the state of the CA is read for each. What was signed is kept as
// long as the state is the same, and no longer than a minute.
//
// As a list, an answer is signed only in a history of the database that is settled. If the state
// can't be read there is no answer: an old one could say that a revoked certificate is good.
type OCSP struct {
	Issuing
	History *history.Watcher
	Clock   *Clock        // by which answers begin
	Life    time.Duration // from thisUpdate to nextUpdate of an answer
	// GoodUnissued makes certificates good that the CA has no record of; otherwise they are
	// unknown.
	GoodUnissued bool
	Log          *slog.Logger

	points bounded.Flights[int64, domain.RevocationPoint]
	loads  bounded.Flights[ocspLoad, *ocspState]
	mu     sync.Mutex // guards states, for a look-up
	states map[int64]*ocspState
	logged atomic.Int64 // when a failure was last logged, in nanoseconds of the Unix time
}

// OCSPOutcome says what was answered, for the metrics.
type OCSPOutcome string

// The outcomes: of an answer the worst of its certificates, otherwise why there is none.
const (
	OCSPGood         OCSPOutcome = "good"
	OCSPUnknown      OCSPOutcome = "unknown"
	OCSPRevoked      OCSPOutcome = "revoked"
	OCSPMalformed    OCSPOutcome = "malformed"
	OCSPUnauthorized OCSPOutcome = "unauthorized"
	OCSPTryLater     OCSPOutcome = "try_later"
)

// OCSPReply is what a client gets: an OCSPResponse in DER. From and Until are thisUpdate and
// nextUpdate; they are zero for an error.
type OCSPReply struct {
	DER         []byte
	Outcome     OCSPOutcome
	From, Until time.Time
	Nonce       bool // it is for one request only
}

// MaxOCSPRequest bounds a request, in octets.
const MaxOCSPRequest = ca.MaxOCSPRequest

// The reasons to give no answer.
var (
	// errNotOurs: the CA has ended, or none of the certificates is one of its.
	errNotOurs = errors.New("pki: no authority about these certificates")
	// errOtherHistory: the state that was read belongs to a history that has ended, or may have.
	errOtherHistory = errors.New("pki: the history of the database has changed")
)

// Answer answers a request in DER. It never fails: an error is an answer as well.
func (s *OCSP) Answer(ctx context.Context, caID int64, der []byte) OCSPReply {
	request, err := ca.ReadOCSPRequest(der)
	if err != nil {
		return OCSPReply{DER: ca.OCSPError(ca.OCSPMalformed), Outcome: OCSPMalformed}
	}
	reply, err := s.answer(ctx, caID, request)
	for attempt := 0; attempt < moreTries && errors.Is(err, errOtherHistory); attempt++ {
		reply, err = s.answer(ctx, caID, request)
	}
	switch {
	case err == nil:
		return reply
	case errors.Is(err, errNotOurs), domain.IsKind(err, domain.Missing):
		return OCSPReply{DER: ca.OCSPError(ca.OCSPUnauthorized), Outcome: OCSPUnauthorized}
	}
	s.logFailure(ctx, caID, err)
	return OCSPReply{DER: ca.OCSPError(ca.OCSPTryLater), Outcome: OCSPTryLater}
}

// logFailure logs at most once a minute: everybody may ask.
func (s *OCSP) logFailure(ctx context.Context, caID int64, err error) {
	now, last := s.Now().UnixNano(), s.logged.Load()
	if ctx.Err() == nil && time.Duration(now-last).Abs() >= staleLogInterval && s.logged.CompareAndSwap(last, now) {
		s.Log.ErrorContext(
			ctx, "OCSP can't answer: clients that need the status refuse the certificate", "ca_id", caID, "error",
			domain.Cause(err),
		)
	}
}

// answer answers with what was signed before, if the state of the CA is still that one.
func (s *OCSP) answer(ctx context.Context, caID int64, request ca.OCSPRequest) (OCSPReply, error) {
	state := s.known(caID)
	if state != nil && keepable(request) {
		if reply, ok := state.kept(request.CertIDs[0], s.Clock.now()); ok {
			if point, err := s.point(ctx, caID); err != nil || point == state.point {
				return reply, err
			}
		}
	}
	if state == nil {
		point, err := s.point(ctx, caID)
		if err != nil {
			return OCSPReply{}, err
		}
		if state, err = s.load(ctx, caID, point); err != nil {
			return OCSPReply{}, err
		}
	}
	return s.sign(ctx, caID, state, request)
}

// keepable reports whether the answer to a request can be the answer to another one.
func keepable(request ca.OCSPRequest) bool { return request.Nonce == nil && len(request.CertIDs) == 1 }

// sign reads the status of each certificate and signs.
func (s *OCSP) sign(
	ctx context.Context, caID int64, state *ocspState, request ca.OCSPRequest,
) (reply OCSPReply, err error) {
	statuses, ours := make([]ca.CertStatus, len(request.CertIDs)), false
	for i, id := range request.CertIDs {
		statuses[i] = ca.CertStatus{CertID: id.Raw, Unknown: true}
		if !state.issuer.Issued(id) {
			continue
		}
		ours = true
		if statuses[i], state, err = s.status(ctx, caID, state, id); err != nil {
			return reply, err
		}
	}
	if !ours {
		return s.notOurs(ctx, caID, state, request)
	}
	now := s.Clock.now()
	reply = OCSPReply{Outcome: outcome(statuses), Nonce: request.Nonce != nil}
	reply.From, reply.Until = s.window(now)
	_, span := spans.Begin(ctx, "sign OCSP answer")
	reply.DER, err = state.responder.Sign(ca.OCSPAnswer{
		Statuses: statuses, ThisUpdate: reply.From, NextUpdate: reply.Until, Nonce: request.Nonce,
	})
	span.EndWith(err)
	if err == nil && keepable(request) && reply.Outcome != OCSPUnknown { // it may be issued any time
		state.keep(request.CertIDs[0], reply, now)
	}
	return reply, err
}

// window returns thisUpdate and nextUpdate of an answer that is signed now: it begins by the clock
// that is behind, and ends by the one that is ahead, so nobody takes it for one of the future.
func (s *OCSP) window(now time.Time) (from, until time.Time) {
	from = sooner(now, s.Now()).UTC().Truncate(time.Second)
	return from, later(now, s.Now()).UTC().Truncate(time.Second).Add(s.Life)
}

// notOurs refuses a request about no certificate of the CA, unless the id is that of another CA
// meanwhile.
func (s *OCSP) notOurs(
	ctx context.Context, caID int64, state *ocspState, request ca.OCSPRequest,
) (OCSPReply, error) {
	point, err := s.point(ctx, caID)
	if err != nil || point == state.point {
		return OCSPReply{}, cmp.Or(err, errNotOurs)
	}
	if state, err = s.load(ctx, caID, point); err != nil {
		return OCSPReply{}, err
	}
	return s.sign(ctx, caID, state, request)
}

// status reads the status of a certificate of the CA, and returns the state that it belongs to.
func (s *OCSP) status(
	ctx context.Context, caID int64, state *ocspState, id ca.CertID,
) (ca.CertStatus, *ocspState, error) {
	status, serial := ca.CertStatus{CertID: id.Raw}, ca.FormatSerial(id.Serial)
	reading, cancel := context.WithTimeout(ctx, crlStateTime)
	defer cancel()
	found, err := s.Store.Revocations().Status(reading, caID, serial)
	s.Clock.note(found.Now)
	if err == nil && found.RevocationPoint != state.point {
		state, err = s.load(ctx, caID, found.RevocationPoint)
	}
	if err != nil {
		return status, state, err
	}
	status.RevokedAt, status.Reason = found.RevokedAt, ca.Reason(found.Reason)
	if status.Reason == ca.RemoveFromCRL || !status.Reason.Valid() {
		status.Reason = ca.Unspecified // a mistake of a list that was made elsewhere
	}
	status.Unknown = !found.Issued && !s.GoodUnissued && !state.own[serial]
	return status, state, nil
}

// outcome is the worst of the statuses.
func outcome(statuses []ca.CertStatus) OCSPOutcome {
	worst := OCSPGood
	for _, one := range statuses {
		if !one.RevokedAt.IsZero() {
			return OCSPRevoked
		}
		if one.Unknown {
			worst = OCSPUnknown
		}
	}
	return worst
}
