package vault

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Authenticator finds the authorization that makes a request in the vault's dialect.
type Authenticator struct {
	Access *access.Authenticator
	Keys   *seal.Keyring
	Now    func() time.Time
	Log    *slog.Logger
	// AllowUnsigned admits applications of the method none, AllowPlaintext the signature method
	// PLAINTEXT; both over TLS only.
	AllowUnsigned, AllowPlaintext bool

	memory holderMemory
}

// TimestampWindow is how far the timestamp of an OAuth 1.0 request may be from this server's clock.
const TimestampWindow = 5 * time.Minute

// Request is what access control checks beside the credential.
type Request struct {
	TLS         bool
	Referrer    string
	Certificate []byte // the client's, in DER; nil: none
}

// errClient is the cause of a refusal for any wrong credential of a client.
var errClient = errors.New("client authentication failed")

// errUnknown is the cause of a refusal for a key that no authorization has.
var errUnknown = errors.New("no authorization has this key")

// Token issues an OAuth 2.0 access token for client credentials (RFC 6749, section 4.4). Errors:
// *domain.Error with Unauthenticated, or Forbidden for a request from a place that the
// authorization does not admit.
func (s *Authenticator) Token(
	ctx context.Context, clientID string, secret domain.Secret, r Request,
) (access.Token, error) {
	found, err := access.Latest(
		ctx, s.Access,
		func(k *access.Knowledge) (provenHolder, error) { return s.provenClient(ctx, k, clientID, secret) },
	)
	if err != nil {
		return access.Token{}, err
	}
	if err := s.admit(ctx, found.holder, r, false); err != nil {
		return access.Token{}, err
	}
	tokens, err := s.Access.Tokens(ctx)
	if err != nil {
		return access.Token{}, err
	}
	holder := found.Holder().At(found.generation) // a token ends when the secret that it was made with ends
	token, err := tokens.PAM(holder)
	return access.Token{Token: token, Life: holder.Left(s.Now(), auth.PAMLife)}, err
}

// provenHolder is an authorization and the generation of the secrets that were proven.
type provenHolder struct {
	holder
	generation int64
}

func (s *Authenticator) provenClient(
	ctx context.Context, k *access.Knowledge, clientID string, secret domain.Secret,
) (proven provenHolder, err error) {
	if proven.holder, err = s.keyed(ctx, k, clientID); err != nil {
		return proven, err
	}
	if err := proven.uses(domain.AuthOAuth2); err != nil {
		return proven, err
	}
	var good bool
	proven.generation, good = proven.opens(s.Now(), func(one secretPair) bool {
		return subtle.ConstantTimeCompare([]byte(one.secret), []byte(secret)) == 1
	})
	if !good {
		return proven, access.Unauthenticated(domain.WithPart(domain.PartSecret, errClient))
	}
	return proven, nil
}

// Bearer returns the authorization of an access token.
func (s *Authenticator) Bearer(ctx context.Context, token domain.Secret, r Request) (domain.PAMAuthorization, error) {
	found, err := access.Latest(
		ctx, s.Access, func(k *access.Knowledge) (holder, error) { return s.bearer(ctx, k, token) },
	)
	if err != nil {
		return domain.PAMAuthorization{}, err
	}
	return found.PAMAuthorization, s.admit(ctx, found, r, true)
}

func (s *Authenticator) bearer(ctx context.Context, k *access.Knowledge, token domain.Secret) (holder, error) {
	grant, err := k.Verify(string(token), s.Now(), []auth.Use{auth.PAM})
	if err != nil {
		return holder{}, access.Unauthenticated(err)
	}
	found, err := s.known(ctx, k, fmt.Sprintf("id:%d", grant.ID), func() (domain.PAMAuthorization, error) {
		return s.Access.Store.PAMAuthorizations().Get(ctx, grant.ID)
	})
	if err != nil {
		return holder{}, err
	}
	if found.missing || found.Application.Method != domain.AuthOAuth2 ||
		!found.Holder().Accepts(grant.Generation, s.Now()) ||
		!found.Holder().Bound(grant.Generation, true, grant.Bound) {
		return holder{},
			access.Unauthenticated(
				fmt.Errorf("authorization %d is gone or was rotated or disabled: %w", grant.ID, access.ErrOther),
			)
	}
	found.Proof = access.ProofOf(k, grant)
	return found, nil
}

// Signed returns the authorization of an OAuth 1.0 request and its nonce, which the caller has
// still to spend. The nonce is nil if the request has none.
func (s *Authenticator) Signed(
	ctx context.Context, o *auth.OAuth1, r Request,
) (domain.PAMAuthorization, *domain.Nonce, error) {
	found, err := access.Latest(
		ctx, s.Access, func(k *access.Knowledge) (provenHolder, error) { return s.signer(ctx, k, o, r) },
	)
	if err != nil {
		s.diagnose(ctx, o, err)
		return domain.PAMAuthorization{}, nil, err
	}
	var nonce *domain.Nonce
	if !o.Unsigned && o.Method != auth.Plaintext {
		nonce = &domain.Nonce{Key: o.ConsumerKey, Token: o.Token, Value: o.Nonce, At: o.Timestamp}
	}
	found.Proof.Generation, found.Proof.Bound = found.generation, found.Holder().BoundBy(found.generation, false)
	return found.PAMAuthorization, nonce, s.admit(ctx, found.holder, r, true)
}

func (s *Authenticator) signer(
	ctx context.Context, k *access.Knowledge, o *auth.OAuth1, r Request,
) (proven provenHolder, err error) {
	if proven.holder, err = s.keyed(ctx, k, o.ConsumerKey); err != nil {
		return proven, err
	}
	if proven.missing {
		return proven, access.Unauthenticated(domain.WithPart(domain.PartKey, errUnknown))
	}
	if subtle.ConstantTimeCompare([]byte(proven.token()), []byte(o.Token)) != 1 {
		return proven, access.Unauthenticated(domain.WithPart(domain.PartToken, errClient))
	}
	proven.generation, err = s.prove(proven.holder, o, r)
	return proven, err
}

// prove checks the signature, or that none is needed, and returns the generation of the secrets.
func (s *Authenticator) prove(found holder, o *auth.OAuth1, r Request) (generation int64, err error) {
	method := found.Application.Method
	switch {
	case o.Unsigned && method != domain.AuthUnsigned:
		return 0, badSignature(domain.PartSignature, "a signature is missing")
	case o.Unsigned && !s.AllowUnsigned:
		return 0, badSignature(domain.PartMethod, "requests without a signature are not allowed")
	case (o.Unsigned || o.Method == auth.Plaintext && method == domain.AuthOAuth1) && !r.TLS:
		return 0, badSignature(domain.PartTLS, "not over TLS")
	case o.Unsigned:
		return found.Generation, nil
	case method != domain.AuthOAuth1:
		return 0, found.uses(domain.AuthOAuth1)
	case o.Method == auth.Plaintext && !s.AllowPlaintext:
		return 0, badSignature(domain.PartMethod, "PLAINTEXT is not allowed")
	case o.Method != auth.Plaintext && s.Now().Sub(o.Timestamp).Abs() > TimestampWindow:
		return 0,
			badSignature(
				domain.PartTimestamp,
				fmt.Sprintf("the timestamp is %s from now", s.Now().Sub(o.Timestamp).Abs().Round(time.Second)),
			)
	}
	generation, good := found.opens(s.Now(), func(one secretPair) bool { return o.Verify(one.secret, one.tokenSecret) })
	if !good {
		return 0, badSignature(domain.PartSignature, "the signature is of other secrets or of another request")
	}
	return generation, nil
}

// diagnose logs the base string that a wrong signature should have covered, so that an operator can
// find the cause. It contains no secrets.
func (s *Authenticator) diagnose(ctx context.Context, o *auth.OAuth1, cause error) {
	if o.Unsigned || domain.PartOf(cause) != domain.PartSignature || !s.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	s.Log.DebugContext(ctx, "signature of OAuth 1.0 refused", "request_id", domain.OriginOf(ctx).RequestID, "method",
		o.Method,
		"base_string", o.BaseString(domain.HarmlessField, maxBaseString))
}

// maxBaseString bounds the logged base string, in bytes.
const maxBaseString = 2 << 10

// admit checks that the authorization is in force and that the request comes from a place it
// admits.
func (s *Authenticator) admit(ctx context.Context, found holder, r Request, referrer bool) error {
	address := domain.OriginOf(ctx).Address
	switch {
	case !found.Holder().Active(s.Now()):
		return access.Unauthenticated(
			domain.WithPart(domain.PartStanding, fmt.Errorf("authorization %d is disabled or has expired", found.ID)),
		)
	case !found.Holder().Admits(address):
		return notFromHere(domain.PartAddress, fmt.Errorf("authorization %d from %s", found.ID, address))
	case !found.AdmitsCertificate(r.Certificate):
		return notFromHere(domain.PartCertificate, fmt.Errorf("authorization %d: client certificate", found.ID))
	case referrer && !found.AdmitsReferrer(r.Referrer):
		return notFromHere(domain.PartReferrer, fmt.Errorf("authorization %d: referrer", found.ID))
	}
	return nil
}

func notFromHere(part domain.Part, cause error) error {
	return &domain.Error{
		Kind: domain.Forbidden, Field: "authorization", Reason: domain.ReasonAddress, Err: domain.WithPart(part, cause),
	}
}

// Forget removes the nonces of requests whose timestamp is too old to be accepted again. It keeps
// those that are within the same age of the newest nonce, in case this server's clock is ahead.
func (s *Authenticator) Forget(ctx context.Context) error {
	return s.Access.Store.Nonces().Purge(ctx, s.Now().Add(-2*TimestampWindow), 2*TimestampWindow)
}
