package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/history"
)

// Authenticator finds out who makes a request, and exchanges credentials for access tokens. It
// trusts the state that it has read for trustFor. So most requests cost no round trip to the
// database, and a change is in force on every replica within that time.
type Authenticator struct {
	Store   domain.Store
	History *history.Watcher
	Signing *Signing
	Callers *Callers
	Changes *Changes
	Uses    *Uses
	Now     func() time.Time
	Log     *slog.Logger

	// known is the cached state, nil before the first read. It is replaced as a whole while asking
	// is held, and loaded by every request without that lock.
	known atomic.Pointer[Knowledge]
	// asking is held by the one request that asks the database whether known is still current: for
	// a look at the history and, after a change, a read of the signing keys. The other requests do
	// not wait for it as long as known may be trusted, and for askTime at most.
	asking asking
	rates  bounded.Rates
}

// knowledge returns the cached state. When its age has reached refreshAfter, one request asks the
// database whether it is still current; until it is older than trustFor, the others use it
// meanwhile.
func (s *Authenticator) knowledge(ctx context.Context) (*Knowledge, error) {
	k := s.known.Load()
	age := s.age(k)
	if age < refreshAfter {
		return k, nil
	}
	if !s.asking.try() {
		if age < trustFor {
			return k, nil
		}
		if err := s.asking.take(ctx); err != nil {
			return nil, err
		}
	}
	defer s.asking.leave()
	if k = s.known.Load(); s.age(k) < refreshAfter {
		return k, nil
	}
	asked, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	k, err := s.confirmed(asked, k)
	if err != nil && asked.Err() != nil && ctx.Err() == nil {
		err = &domain.Unavailable{Err: errors.Join(errAsking, err)}
	}
	return k, err
}

// confirmed asks the database whether a state is current, and returns the one that is. The caller
// holds asking.
func (s *Authenticator) confirmed(ctx context.Context, k *Knowledge) (*Knowledge, error) {
	now, changes := s.Now(), s.Changes.made.Load() // before the question: the answer may be as old as that
	point, history, err := s.History.Look(ctx)
	if err != nil {
		return nil, err
	}
	if k == nil || k.Point != point || k.history != history {
		tokens, err := s.Signing.Tokens(ctx)
		if err != nil {
			return nil, err
		}
		k = newKnowledge(point, history, tokens)
	}
	k.changes.Store(changes)
	k.asked.Store(now.UnixMicro())
	s.known.Store(k)
	return k, nil
}

// age is the greatest age that the cached state may have. It is the maximum when there is no state,
// or when this replica has made a change since the state was confirmed.
func (s *Authenticator) age(k *Knowledge) time.Duration {
	if k == nil || k.changes.Load() != s.Changes.made.Load() {
		return math.MaxInt64
	}
	return k.age(s.Now())
}

// expire makes the next request ask the database whether anything has changed.
func (s *Authenticator) expire() { s.Changes.made.Add(1) }

// Tokens returns the signer and verifier of tokens.
func (s *Authenticator) Tokens(ctx context.Context) (*auth.Tokens, error) {
	k, err := s.knowledge(ctx)
	if err != nil {
		return nil, err
	}
	return k.tokens, nil
}

// Authenticate returns the holder of a token, which must be for one of the uses. Errors:
// *domain.Error with Unauthenticated; with Forbidden, together with the principal, when the holder
// may not use this address or makes too many requests.
func (s *Authenticator) Authenticate(
	ctx context.Context, token domain.Secret, uses ...auth.Use,
) (domain.Principal, error) {
	holder, err := s.holder(ctx, token, uses...)
	if err != nil {
		return domain.Principal{}, err
	}
	return holder.principal(), s.admit(ctx, holder.Holder)
}

// holder verifies a token and returns its holder.
func (s *Authenticator) holder(ctx context.Context, token domain.Secret, uses ...auth.Use) (proven, error) {
	return Latest(ctx, s, func(k *Knowledge) (proven, error) { return s.holderBy(ctx, k, token, uses) })
}

// Latest runs try with the cached state. When a credential is refused that another replica may have
// made a moment ago, it asks the database at once what has changed, and runs try again.
func Latest[T any](ctx context.Context, s *Authenticator, try func(*Knowledge) (T, error)) (found T, err error) {
	k, err := s.knowledge(ctx)
	if err != nil {
		return found, err
	}
	found, err = try(k)
	if !errors.Is(err, errNewer) && !(mayBeNewer(err) && k.age(s.Now()) > unknownKeyPause) {
		return found, err
	}
	s.expire()
	if k, err = s.knowledge(ctx); err != nil {
		return found, err
	}
	return try(k)
}

// mayBeNewer reports whether a refused credential may be newer than the cached state. Such a
// credential may as well be old, or false.
func mayBeNewer(err error) bool {
	switch domain.PartOf(err) {
	case domain.PartSecret, domain.PartToken, domain.PartSignature:
		return true
	}
	return errors.Is(err, auth.ErrUnknownKey) || errors.Is(err, ErrOther)
}

// ProofOf returns what a valid token proves.
func ProofOf(k *Knowledge, grant auth.Grant) domain.Proof {
	return domain.Proof{
		Point: k.Point, Generation: grant.Generation, Bound: grant.Bound, Passing: grant.Use.Passing(),
		Until: grant.ExpiresAt,
	}
}

// errNewer: the token is genuine, and of a generation that this replica does not know yet.
// ErrOther: the credential belongs to a row, or is bound to a value, that this replica does not
// know (yet, or any more).
var (
	errNewer = errors.New("it was made a moment ago")
	ErrOther = errors.New("it was made a moment ago, or is of the past")
)

// unknownKeyPause is the least time between two questions to the database that refused credentials
// cause: tokens of unknown signing keys and wrong secrets, which anybody can make, and old
// credentials, which callers keep.
const unknownKeyPause = 50 * time.Millisecond

// proven is a holder, with the proof that its credential gives.
type proven struct {
	domain.Holder
	proof domain.Proof
}

func (p proven) principal() domain.Principal {
	principal := p.Principal()
	principal.Proof = p.proof
	return principal
}

func (s *Authenticator) holderBy(
	ctx context.Context, k *Knowledge, token domain.Secret, uses []auth.Use,
) (proven, error) {
	now := s.Now()
	grant, err := k.Verify(string(token), now, uses)
	if err != nil {
		return proven{}, Unauthenticated(err)
	}
	found, err := k.holder(ctx, s.Store, holderID{grant.Kind, grant.ID})
	switch {
	case err != nil:
		return proven{}, err
	case found.missing:
		err = fmt.Errorf("%s %d is gone: %w", grant.Kind, grant.ID, ErrOther)
	case !found.Active(now):
		err = fmt.Errorf("%s %d is disabled or has expired", grant.Kind, grant.ID)
	case grant.Generation > found.Generation:
		err = fmt.Errorf("%s %d: %w", grant.Kind, grant.ID, errNewer)
	case !found.Accepts(grant.Generation, now):
		err = fmt.Errorf("token of an earlier generation of %s %d", grant.Kind, grant.ID)
	case !found.Bound(grant.Generation, grant.Use.Passing(), grant.Bound):
		err = fmt.Errorf(
			"token of another %s with the id %d, or one that was ended: %w", grant.Kind, grant.ID, ErrOther,
		)
	default:
		return proven{found.Holder.At(grant.Generation), ProofOf(k, grant)}, nil
	}
	return proven{}, Unauthenticated(err)
}

// Unauthenticated is the fault of a credential that is not valid. The cause is for the log alone.
func Unauthenticated(cause error) error {
	return &domain.Error{
		Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonCredential, Err: cause,
	}
}

// admit checks the address and the rate at which an apikey is used, and notes the use.
func (s *Authenticator) admit(ctx context.Context, h domain.Holder) error {
	if h.Kind != domain.PrincipalAPIKey {
		return nil
	}
	origin, now := domain.OriginOf(ctx), s.Now()
	if !h.Admits(origin.Address) {
		return notFrom(h, origin.Address)
	}
	if h.RateLimit > 0 {
		if wait := s.rates.Take(rateKey(h), now, float64(h.RateLimit)/60, max(1, h.RateLimit/6)); wait > 0 {
			return limited(domain.Forbidden, wait, fmt.Errorf("apikey %d is beyond its rate", h.ID))
		}
	}
	s.Uses.note(domain.APIKeyUse{ID: h.ID, At: now, Address: origin.AddressText()})
	return nil
}

// notFrom is the fault of a holder that may not be used from an address.
func notFrom(h domain.Holder, address netip.Addr) error {
	return &domain.Error{
		Kind: domain.Forbidden, Field: "authorization", Reason: domain.ReasonAddress,
		Err: fmt.Errorf("%s %d from %s", h.Kind, h.ID, address),
	}
}

// rateKey includes the limit, so that a changed limit starts a new count.
func rateKey(h domain.Holder) string { return fmt.Sprintf("%d/%d", h.ID, h.RateLimit) }

// limited is the fault of a caller that makes too many requests.
func limited(kind domain.Kind, wait time.Duration, cause error) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	return &domain.Error{
		Kind: kind, Field: "authorization", Reason: domain.ReasonLimit, Args: []any{seconds}, Err: cause,
		Wait: time.Duration(seconds) * time.Second,
	}
}
