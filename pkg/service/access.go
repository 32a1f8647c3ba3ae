package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Access finds out who makes a request, and exchanges credentials for access tokens. What it has read it trusts for trustFor, so that most
// requests cost no round trip to the database, and a change holds everywhere within that time.
type Access struct {
	Store   domain.Store
	History *History
	Signing *Signing
	Callers *Callers
	Changes *Changes
	Uses    *Uses
	Now     func() time.Time
	Log     *slog.Logger

	known  atomic.Pointer[knowledge]
	asking sync.Mutex
	rates  bounded.Rates
}

// knowledge returns what is known, after asking whether it is still true if it was not asked for a while. While one asks, the others go on
// with what they may still trust.
func (s *Access) knowledge(ctx context.Context) (*knowledge, error) {
	k := s.known.Load()
	age := s.age(k)
	if age < refreshAfter {
		return k, nil
	}
	if !s.asking.TryLock() {
		if age < trustFor {
			return k, nil
		}
		s.asking.Lock()
	}
	defer s.asking.Unlock()
	if k = s.known.Load(); s.age(k) < refreshAfter {
		return k, nil
	}
	now, changes := s.Now(), s.Changes.made.Load() // before the question: what is answered may be as old as that
	point, history, err := s.History.look(ctx)
	if err != nil {
		return nil, err
	}
	if k == nil || k.point != point || k.history != history {
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

// age is how old what is known may be; the oldest, when this replica has changed something since it was asked for.
func (s *Access) age(k *knowledge) time.Duration {
	if k == nil || k.changes.Load() != s.Changes.made.Load() {
		return math.MaxInt64
	}
	return k.age(s.Now())
}

// expire makes the next request ask whether anything has changed.
func (s *Access) expire() { s.Changes.made.Add(1) }

// tokens returns what makes tokens.
func (s *Access) tokens(ctx context.Context) (*auth.Tokens, error) {
	k, err := s.knowledge(ctx)
	if err != nil {
		return nil, err
	}
	return k.tokens, nil
}

// Authenticate says who holds the token, which must be of one of the uses. Errors: *domain.Error with Unauthenticated; with Forbidden, and who it
// is, when the holder may not come from there, or too often.
func (s *Access) Authenticate(ctx context.Context, token domain.Secret, uses ...auth.Use) (domain.Principal, error) {
	holder, err := s.holder(ctx, token, uses...)
	if err != nil {
		return domain.Principal{}, err
	}
	return holder.principal(), s.admit(ctx, holder.Holder)
}

// holder finds whose the token is, and that it is good.
func (s *Access) holder(ctx context.Context, token domain.Secret, uses ...auth.Use) (proven, error) {
	return latest(ctx, s, func(k *knowledge) (proven, error) { return s.holderBy(ctx, k, token, uses) })
}

// latest runs try with what is known. When a credential is refused that another replica may have made a moment ago, it asks at once what has changed,
// and runs try again.
func latest[T any](ctx context.Context, s *Access, try func(*knowledge) (T, error)) (found T, err error) {
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

// mayBeNewer reports whether a credential was refused that is of the past, or false, or newer than what is known.
func mayBeNewer(err error) bool {
	switch domain.PartOf(err) {
	case domain.PartSecret, domain.PartToken, domain.PartSignature:
		return true
	}
	return errors.Is(err, auth.ErrUnknownKey) || errors.Is(err, errOther)
}

// proofOf is what a token proves that is good.
func proofOf(k *knowledge, grant auth.Grant) domain.Proof {
	return domain.Proof{Point: k.point, Generation: grant.Generation, Bound: grant.Bound, Passing: grant.Use.Passing(), Until: grant.ExpiresAt}
}

// errNewer says that a token is genuine and of a generation that is not known yet; errOther that it is bound to what is not known yet, or no more.
var (
	errNewer = errors.New("it was made a moment ago")
	errOther = errors.New("it was made a moment ago, or is of the past")
)

// unknownKeyPause is how often credentials that anybody can make, as tokens of unknown signing keys and wrong secrets, and those of the past, which people
// keep, are a reason to ask at most.
const unknownKeyPause = 50 * time.Millisecond

// proven is a holder, and by what it is.
type proven struct {
	domain.Holder
	proof domain.Proof
}

func (p proven) principal() domain.Principal {
	principal := p.Principal()
	principal.Proof = p.proof
	return principal
}

func (s *Access) holderBy(ctx context.Context, k *knowledge, token domain.Secret, uses []auth.Use) (proven, error) {
	now := s.Now()
	grant, err := k.verify(string(token), now, uses)
	if err != nil {
		return proven{}, unauthenticated(err)
	}
	found, err := k.holder(ctx, s.Store, holderID{grant.Kind, grant.ID})
	switch {
	case err != nil:
		return proven{}, err
	case found.missing:
		err = fmt.Errorf("%s %d is gone: %w", grant.Kind, grant.ID, errOther)
	case !found.Active(now):
		err = fmt.Errorf("%s %d is disabled or has expired", grant.Kind, grant.ID)
	case grant.Generation > found.Generation:
		err = fmt.Errorf("%s %d: %w", grant.Kind, grant.ID, errNewer)
	case !found.Accepts(grant.Generation, now):
		err = fmt.Errorf("token of an earlier generation of %s %d", grant.Kind, grant.ID)
	case !found.Bound(grant.Generation, grant.Use.Passing(), grant.Bound):
		err = fmt.Errorf("token of another %s with the id %d, or one that was ended: %w", grant.Kind, grant.ID, errOther)
	default:
		return proven{found.Holder.At(grant.Generation), proofOf(k, grant)}, nil
	}
	return proven{}, unauthenticated(err)
}

func unauthenticated(cause error) error {
	return &domain.Error{Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonCredential, Err: cause}
}

// admit checks from where and how often an apikey is used, and notes that it was.
func (s *Access) admit(ctx context.Context, h domain.Holder) error {
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

// notFrom is the fault of a holder who may not come from an address.
func notFrom(h domain.Holder, address netip.Addr) error {
	return &domain.Error{
		Kind: domain.Forbidden, Field: "authorization", Reason: domain.ReasonAddress, Err: fmt.Errorf("%s %d from %s", h.Kind, h.ID, address),
	}
}

// rateKey has the limit in it: a limit that was changed begins anew.
func rateKey(h domain.Holder) string { return fmt.Sprintf("%d/%d", h.ID, h.RateLimit) }

// limited is the fault of those who come too often.
func limited(kind domain.Kind, wait time.Duration, cause error) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	return &domain.Error{
		Kind: kind, Field: "authorization", Reason: domain.ReasonLimit, Args: []any{seconds}, Err: cause, Wait: time.Duration(seconds) * time.Second,
	}
}

// AccessToken is the outcome of an exchange.
type AccessToken struct {
	Token domain.Secret
	Life  time.Duration
}

// Exchange gives an access token for the token of an apikey or of a session. Errors: as Authenticate.
func (s *Access) Exchange(ctx context.Context, refresh domain.Secret) (AccessToken, error) {
	holder, err := s.holder(ctx, refresh, auth.Refresh, auth.Session)
	if err != nil {
		return AccessToken{}, err
	}
	if err := s.admit(ctx, holder.Holder); err != nil {
		return AccessToken{}, err
	}
	return s.accessToken(ctx, holder.Holder)
}

// Resume is Authenticate for a session whose access token has ended: it says who it is and gives the next access token.
func (s *Access) Resume(ctx context.Context, refresh domain.Secret) (domain.Principal, AccessToken, error) {
	holder, err := s.holder(ctx, refresh, auth.Refresh, auth.Session)
	if err != nil {
		return domain.Principal{}, AccessToken{}, err
	}
	if err := s.admit(ctx, holder.Holder); err != nil {
		return holder.principal(), AccessToken{}, err
	}
	token, err := s.accessToken(ctx, holder.Holder)
	return holder.principal(), token, err
}

func (s *Access) accessToken(ctx context.Context, h domain.Holder) (AccessToken, error) {
	tokens, err := s.tokens(ctx)
	if err != nil {
		return AccessToken{}, err
	}
	token, err := tokens.Access(h)
	return AccessToken{Token: token, Life: h.Left(s.Now(), auth.AccessLife)}, err
}

// Session is what one gets who signs in: a token to come back with, and the first access token.
type Session struct {
	Refresh domain.Secret
	Life    time.Duration
	Access  AccessToken
}

// session makes the tokens of a user.
func (s *Access) session(ctx context.Context, user domain.User) (Session, error) {
	tokens, err := s.tokens(ctx)
	if err != nil {
		return Session{}, err
	}
	refresh, refreshErr := tokens.Session(user.Holder())
	access, accessErr := s.accessToken(ctx, user.Holder())
	return Session{Refresh: refresh, Life: auth.SessionLife, Access: access}, errors.Join(refreshErr, accessErr)
}
