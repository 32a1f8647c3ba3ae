package service

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// PAMAccess finds out which authorization of which application makes a request of the vault's dialect.
type PAMAccess struct {
	Access *Access
	Keys   *seal.Keyring
	Now    func() time.Time
	Log    *slog.Logger
	// AllowUnsigned lets applications of the method none in, over TLS only; AllowPlaintext the signature method PLAINTEXT, over TLS only.
	AllowUnsigned, AllowPlaintext bool

	memory holderMemory
}

// TimestampWindow is how far the clock of an OAuth 1.0 client may be from ours.
const TimestampWindow = 5 * time.Minute

// PAMRequest is what access control looks at beside the credential.
type PAMRequest struct {
	TLS         bool
	Referrer    string
	Certificate []byte // the client's, in DER; nil: none
}

// errClient is the cause for all that is wrong with a client's credentials.
var errClient = errors.New("client authentication failed")

// errUnknown is the cause for a key that nobody has.
var errUnknown = errors.New("no authorization has this key")

// Token gives an OAuth 2.0 access token for client credentials (RFC 6749, 4.4). Errors: *domain.Error with Unauthenticated.
func (s *PAMAccess) Token(ctx context.Context, clientID string, secret domain.Secret, r PAMRequest) (AccessToken, error) {
	found, err := latest(ctx, s.Access, func(k *knowledge) (pamProven, error) { return s.provenClient(ctx, k, clientID, secret) })
	if err != nil {
		return AccessToken{}, err
	}
	if err := s.admit(ctx, found.pamHolder, r, false); err != nil {
		return AccessToken{}, err
	}
	tokens, err := s.Access.tokens(ctx)
	if err != nil {
		return AccessToken{}, err
	}
	holder := found.Holder().At(found.generation) // a token ends with the secret that it was made with
	token, err := tokens.PAM(holder)
	return AccessToken{Token: token, Life: holder.Left(s.Now(), auth.PAMLife)}, err
}

// pamProven is an authorization, and of which generation the secrets are that were proven.
type pamProven struct {
	pamHolder
	generation int64
}

func (s *PAMAccess) provenClient(ctx context.Context, k *knowledge, clientID string, secret domain.Secret) (proven pamProven, err error) {
	if proven.pamHolder, err = s.keyed(ctx, k, clientID); err != nil {
		return proven, err
	}
	if err := proven.uses(domain.AuthOAuth2); err != nil {
		return proven, err
	}
	var good bool
	proven.generation, good = proven.opens(s.Now(), func(one pamSecrets) bool {
		return subtle.ConstantTimeCompare([]byte(one.secret), []byte(secret)) == 1
	})
	if !good {
		return proven, unauthenticated(domain.WithPart(domain.PartSecret, errClient))
	}
	return proven, nil
}

// Bearer finds the authorization of an access token.
func (s *PAMAccess) Bearer(ctx context.Context, token domain.Secret, r PAMRequest) (domain.PAMAuthorization, error) {
	found, err := latest(ctx, s.Access, func(k *knowledge) (pamHolder, error) { return s.bearer(ctx, k, token) })
	if err != nil {
		return domain.PAMAuthorization{}, err
	}
	return found.PAMAuthorization, s.admit(ctx, found, r, true)
}

func (s *PAMAccess) bearer(ctx context.Context, k *knowledge, token domain.Secret) (pamHolder, error) {
	grant, err := k.verify(string(token), s.Now(), []auth.Use{auth.PAM})
	if err != nil {
		return pamHolder{}, unauthenticated(err)
	}
	found, err := s.known(ctx, k, fmt.Sprintf("id:%d", grant.ID), func() (domain.PAMAuthorization, error) {
		return s.Access.Store.PAMAuthorizations().Get(ctx, grant.ID)
	})
	if err != nil {
		return pamHolder{}, err
	}
	if found.missing || found.Application.Method != domain.AuthOAuth2 || !found.Holder().Accepts(grant.Generation, s.Now()) ||
		!found.Holder().Bound(grant.Generation, true, grant.Bound) {
		return pamHolder{}, unauthenticated(fmt.Errorf("authorization %d is gone or was rotated or disabled: %w", grant.ID, errOther))
	}
	found.Proof = proofOf(k, grant)
	return found, nil
}

// Signed finds the authorization of an OAuth 1.0 request, and returns a context that carries its nonce, which is still to be spent.
func (s *PAMAccess) Signed(ctx context.Context, o *auth.OAuth1, r PAMRequest) (context.Context, domain.PAMAuthorization, error) {
	found, err := latest(ctx, s.Access, func(k *knowledge) (pamProven, error) { return s.signer(ctx, k, o, r) })
	if err != nil {
		s.diagnose(ctx, o, err)
		return ctx, domain.PAMAuthorization{}, err
	}
	if !o.Unsigned && o.Method != auth.Plaintext {
		ctx = withNonce(ctx, domain.Nonce{Key: o.ConsumerKey, Token: o.Token, Value: o.Nonce, At: o.Timestamp})
	}
	found.Proof.Generation, found.Proof.Bound = found.generation, found.Holder().BoundBy(found.generation, false)
	return ctx, found.PAMAuthorization, s.admit(ctx, found.pamHolder, r, true)
}

func (s *PAMAccess) signer(ctx context.Context, k *knowledge, o *auth.OAuth1, r PAMRequest) (proven pamProven, err error) {
	if proven.pamHolder, err = s.keyed(ctx, k, o.ConsumerKey); err != nil {
		return proven, err
	}
	if proven.missing {
		return proven, unauthenticated(domain.WithPart(domain.PartKey, errUnknown))
	}
	if subtle.ConstantTimeCompare([]byte(proven.token()), []byte(o.Token)) != 1 {
		return proven, unauthenticated(domain.WithPart(domain.PartToken, errClient))
	}
	proven.generation, err = s.prove(proven.pamHolder, o, r)
	return proven, err
}

// prove checks the signature, or that none is needed, and says of which generation the secrets are.
func (s *PAMAccess) prove(found pamHolder, o *auth.OAuth1, r PAMRequest) (generation int64, err error) {
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
		return 0, badSignature(domain.PartTimestamp, fmt.Sprintf("the timestamp is %s from now", s.Now().Sub(o.Timestamp).Abs().Round(time.Second)))
	}
	generation, good := found.opens(s.Now(), func(one pamSecrets) bool { return o.Verify(one.secret, one.tokenSecret) })
	if !good {
		return 0, badSignature(domain.PartSignature, "the signature is of other secrets or of another request")
	}
	return generation, nil
}

// diagnose writes what a signature that is not good should have covered, for those who search why. Secrets are not in it.
func (s *PAMAccess) diagnose(ctx context.Context, o *auth.OAuth1, cause error) {
	if o.Unsigned || domain.PartOf(cause) != domain.PartSignature || !s.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	s.Log.DebugContext(ctx, "signature of OAuth 1.0 refused", "request_id", domain.OriginOf(ctx).RequestID, "method", o.Method,
		"base_string", o.BaseString(domain.HarmlessField, maxBaseString))
}

// maxBaseString is how much of a base string the log has, in bytes.
const maxBaseString = 2 << 10

// admit checks whether the authorization is in force, and from where it may come.
func (s *PAMAccess) admit(ctx context.Context, found pamHolder, r PAMRequest, referrer bool) error {
	address := domain.OriginOf(ctx).Address
	switch {
	case !found.Holder().Active(s.Now()):
		return unauthenticated(domain.WithPart(domain.PartStanding, fmt.Errorf("authorization %d is disabled or has expired", found.ID)))
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
	return &domain.Error{Kind: domain.Forbidden, Field: "authorization", Reason: domain.ReasonAddress, Err: domain.WithPart(part, cause)}
}

// Finish spends the nonce of a request that has not spent it itself.
func (s *PAMAccess) Finish(ctx context.Context) error {
	nonce := nonceOf(ctx)
	err := nonce.spend(ctx, s.Access.Store)
	nonce.settle(err)
	return err
}

// Forget removes the nonces of requests that are too old to come again, also when our clock is ahead: it keeps those that are as young as the newest.
func (s *PAMAccess) Forget(ctx context.Context) error {
	return s.Access.Store.Nonces().Purge(ctx, s.Now().Add(-2*TimestampWindow), 2*TimestampWindow)
}

// pamSecrets are the opened secrets of an authorization: the client secret, or those of consumer and token.
type pamSecrets struct{ secret, tokenSecret domain.Secret }

// pamHolder is an authorization as it was read, or that there is none.
type pamHolder struct {
	domain.PAMAuthorization
	present, previous pamSecrets
	missing           bool
}

// uses refuses what is not there, or of an application of another method.
func (h pamHolder) uses(method domain.AuthMethod) error {
	switch {
	case h.missing:
		return unauthenticated(domain.WithPart(domain.PartKey, errUnknown))
	case h.Application.Method != method:
		return unauthenticated(domain.WithPart(domain.PartMethod, fmt.Errorf("authorization %d is of the method %s", h.ID, h.Application.Method)))
	}
	return nil
}

// opens reports whether a proof is good with the present secrets, or with those before while they last, and of which generation they are.
func (h pamHolder) opens(now time.Time, proof func(pamSecrets) bool) (generation int64, good bool) {
	if proof(h.present) {
		return h.Generation, true
	}
	return h.Generation - 1, len(h.Secrets.Previous) > 0 && now.Before(h.PreviousUntil) && proof(h.previous)
}

// keyed finds an authorization by what was sent as its key. What can't be one is not looked up, nor remembered.
func (s *PAMAccess) keyed(ctx context.Context, k *knowledge, key string) (pamHolder, error) {
	if len(key) != publicDigits {
		return pamHolder{missing: true}, nil
	}
	return s.known(ctx, k, "key:"+key, func() (domain.PAMAuthorization, error) { return s.Access.Store.PAMAuthorizations().Keyed(ctx, key) })
}

// known reads an authorization, unless it is known.
func (s *PAMAccess) known(ctx context.Context, k *knowledge, key string, read func() (domain.PAMAuthorization, error)) (pamHolder, error) {
	if found, ok := s.memory.get(k, key); ok {
		return found, nil
	}
	var found pamHolder
	authorization, err := read()
	authorization.Proof.Point = k.point
	if domain.IsKind(err, domain.Missing) {
		found, err = pamHolder{missing: true}, nil
	} else if err == nil {
		found, err = s.open(ctx, authorization)
	}
	if err != nil {
		return pamHolder{}, err
	}
	s.memory.keep(k, key, found)
	return found, nil
}

func (s *PAMAccess) open(ctx context.Context, a domain.PAMAuthorization) (pamHolder, error) {
	h := pamHolder{PAMAuthorization: a}
	var err error
	if h.present, err = openSecrets(s.Keys, a.Key, a.Secrets.Present); err != nil {
		return h, err
	}
	if h.plainToken() {
		s.sealLater(ctx, a.ID)
	}
	if len(a.Secrets.Previous) == 0 {
		return h, nil
	}
	h.previous, err = openSecrets(s.Keys, a.Key, a.Secrets.Previous)
	return h, err
}

// authorizationContext binds sealed secrets to their row.
func authorizationContext(publicKey string) string { return "pam-authorization/" + publicKey }

// sealSecrets and openSecrets bind the secrets to the public key of their row.
func sealSecrets(keys *seal.Keyring, publicKey string, one pamSecrets) []byte {
	return keys.Seal([]byte(string(one.secret)+" "+string(one.tokenSecret)), authorizationContext(publicKey))
}

func openSecrets(keys *seal.Keyring, publicKey string, sealed []byte) (pamSecrets, error) {
	text, err := keys.Open(sealed, authorizationContext(publicKey))
	if err != nil {
		return pamSecrets{}, fmt.Errorf("secrets of the authorization %s: %w", publicKey, err)
	}
	secret, tokenSecret, _ := strings.Cut(string(text), " ")
	return pamSecrets{domain.Secret(secret), domain.Secret(tokenSecret)}, nil
}
