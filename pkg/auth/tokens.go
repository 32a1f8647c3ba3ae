package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The lives of tokens.
const (
	AccessLife  = 15 * time.Minute
	PAMLife     = time.Hour
	SessionLife = 30 * 24 * time.Hour
)

// SecretSize is the size of the secrets that tokens are made with, in bytes.
const SecretSize = 32

// Use is what a token is for.
type Use string

// The uses; they are the audiences of the tokens.
const (
	Refresh Use = "chaveiro:refresh" // the token of an apikey itself
	Session Use = "chaveiro:session" // made for a user who signed in, for SessionLife
	Access  Use = "chaveiro:access"  // made from either, for AccessLife
	PAM     Use = "chaveiro:pam"     // made for an authorization of the vault, for PAMLife
)

// Passing reports whether tokens of the use end with the credential that they were made from, and
// can be made again from it.
func (u Use) Passing() bool { return u != Refresh }

// ErrToken says that a token is not genuine, has expired, or is not of a use that was asked for.
var ErrToken = errors.New("auth: token not valid")

// ErrUnknownKey is an ErrToken: the token names a signing key that is not known, or not yet.
var ErrUnknownKey = fmt.Errorf("%w: unknown signing key", ErrToken)

const issuer = "chaveiro"

// SigningKey is a key of sessions and access tokens. It signs from InForce on, until a later key is
// in force; it always verifies.
type SigningKey struct {
	ID      string
	Secret  []byte // SecretSize bytes
	InForce time.Time
}

// Tokens makes and verifies tokens: JWTs with HMAC-SHA-256 (RFC 7519; RFC 7518, section 3.2). The
// tokens of apikeys are signed with a secret that never changes, all others with the signing keys,
// which they name in `kid`. Each use has a key of its own, derived from the secret.
type Tokens struct {
	apikeys []byte
	ring    []ringKey // the oldest first
	now     func() time.Time
}

type ringKey struct {
	id      string
	inForce time.Time
	keys    map[Use][]byte
}

// NewTokens derives the keys from the secret of the apikeys and from the signing keys. There must
// be at least one signing key.
func NewTokens(secret []byte, ring []SigningKey, now func() time.Time) (*Tokens, error) {
	apikeys, err := derive(secret, string(Refresh))
	if err != nil {
		return nil, err
	}
	if len(ring) == 0 {
		return nil, errors.New("auth: no signing key")
	}
	t := &Tokens{apikeys: apikeys, now: now}
	for _, one := range ring {
		k := ringKey{id: one.ID, inForce: one.InForce, keys: map[Use][]byte{}}
		for _, use := range []Use{Session, Access, PAM} {
			if k.keys[use], err = derive(one.Secret, string(use)); err != nil {
				return nil, err
			}
		}
		t.ring = append(t.ring, k)
	}
	slices.SortStableFunc(t.ring, func(a, b ringKey) int { return a.inForce.Compare(b.inForce) })
	return t, nil
}

func derive(secret []byte, purpose string) ([]byte, error) {
	if len(secret) != SecretSize {
		return nil, fmt.Errorf("auth: a secret has %d bytes, not %d", len(secret), SecretSize)
	}
	return hkdf.Key(sha256.New, secret, nil, purpose, sha256.Size)
}

type claims struct {
	jwt.RegisteredClaims
	Generation int64  `json:"gen"`
	Bound      string `json:"bnd,omitempty"` // see domain.Holder.BoundBy
}

// Refresh returns the token of an apikey: always the same for one generation of the key.
func (t *Tokens) Refresh(k domain.APIKey) (domain.Secret, error) {
	token := newToken(Refresh, k.Holder(), jwt.RegisteredClaims{IssuedAt: jwt.NewNumericDate(k.CreatedAt)})
	text, err := token.SignedString(t.apikeys)
	return domain.Secret(text), err
}

// Session returns a token that its holder exchanges for access tokens during SessionLife.
func (t *Tokens) Session(h domain.Holder) (domain.Secret, error) {
	return t.passing(Session, h, SessionLife)
}

// Access returns a token that authenticates its holder for AccessLife.
func (t *Tokens) Access(h domain.Holder) (domain.Secret, error) {
	return t.passing(Access, h, AccessLife)
}

// PAM returns a token that authenticates an authorization of the vault for PAMLife.
func (t *Tokens) PAM(h domain.Holder) (domain.Secret, error) { return t.passing(PAM, h, PAMLife) }

// passing signs a token with the newest key that is in force, or with the oldest when none is yet.
// The token lives no longer than its holder.
func (t *Tokens) passing(use Use, h domain.Holder, life time.Duration) (domain.Secret, error) {
	now := t.now()
	signer := t.ring[0]
	for _, k := range t.ring {
		if !k.inForce.After(now) {
			signer = k
		}
	}
	end := now.Add(life)
	if left := h.Left(now, life); left < life {
		end = now.Add(left + time.Second - 1) // claims are in whole seconds, and the end of the holder rounds up
	}
	token := newToken(
		use, h, jwt.RegisteredClaims{IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(end)},
	)
	token.Header["kid"] = signer.id
	text, err := token.SignedString(signer.keys[use])
	return domain.Secret(text), err
}

func newToken(use Use, h domain.Holder, registered jwt.RegisteredClaims) *jwt.Token {
	registered.Issuer = issuer
	registered.Audience = jwt.ClaimStrings{string(use)}
	registered.Subject = string(h.Kind) + ":" + strconv.FormatInt(h.ID, 10)
	return jwt.NewWithClaims(
		jwt.SigningMethodHS256, claims{registered, h.Generation, h.BoundBy(h.Generation, use.Passing())},
	)
}

// Grant is what a genuine token states.
type Grant struct {
	Use        Use
	Kind       domain.PrincipalKind
	ID         int64
	Generation int64
	Bound      string
	ExpiresAt  time.Time // zero: never
}

// Expired reports whether the token has ended at the time now.
func (g Grant) Expired(now time.Time) bool { return !g.ExpiresAt.IsZero() && !now.Before(g.ExpiresAt) }

// Verify checks that a token is genuine, of one of the uses, and not expired. The errors are
// ErrToken and ErrUnknownKey.
func (t *Tokens) Verify(token string, uses ...Use) (Grant, error) {
	failed := ErrToken
	for _, use := range uses {
		grant, err := t.verify(token, use)
		if err == nil {
			return grant, nil
		}
		if errors.Is(err, ErrUnknownKey) {
			failed = ErrUnknownKey
		}
	}
	return Grant{}, failed
}

func (t *Tokens) verify(token string, use Use) (Grant, error) {
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(string(use)), jwt.WithTimeFunc(t.now), jwt.WithStrictDecoding(),
	}
	if use != Refresh {
		options = append(options, jwt.WithExpirationRequired())
	}
	if strings.ContainsAny(token, "\r\n") { // the decoder would ignore them
		return Grant{}, ErrToken
	}
	var c claims
	if _, err := jwt.ParseWithClaims(token, &c, t.keyOf(use), options...); err != nil {
		return Grant{}, err
	}
	grant := Grant{Use: use, Generation: c.Generation, Bound: c.Bound}
	kind, number, _ := strings.Cut(c.Subject, ":")
	grant.Kind = domain.PrincipalKind(kind)
	var err error
	if grant.ID, err = strconv.ParseInt(number, 10, 64); err != nil || !mayHold(use, grant.Kind) {
		return Grant{}, ErrToken
	}
	if c.ExpiresAt != nil {
		grant.ExpiresAt = c.ExpiresAt.Time
	}
	return grant, nil
}

// mayHold reports whether tokens of the use are made for that kind.
func mayHold(use Use, kind domain.PrincipalKind) bool {
	if use == PAM || kind == domain.PrincipalPAM {
		return use == PAM && kind == domain.PrincipalPAM
	}
	return kind == domain.PrincipalAPIKey && use != Session || kind == domain.PrincipalUser && use != Refresh
}

// keyOf finds the key that a token of the use must be signed with.
func (t *Tokens) keyOf(use Use) jwt.Keyfunc {
	return func(token *jwt.Token) (any, error) {
		kid, named := token.Header["kid"]
		if use == Refresh {
			if named {
				return nil, ErrToken
			}
			return t.apikeys, nil
		}
		for _, k := range t.ring {
			if k.id == kid {
				return k.keys[use], nil
			}
		}
		if named {
			return nil, ErrUnknownKey
		}
		return nil, ErrToken
	}
}
