// Package auth makes and checks credentials and says whose they are.
//
// It imports domain, golang-jwt and x/crypto. It decides only whether a token is genuine and for whom it was made; whether
// that key still exists is the service's question. Tokens are derived from a row and a secret and are stored nowhere.
package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// AccessLife is the life of an access token.
const AccessLife = 15 * time.Minute

// SecretSize is the size of the secret that tokens are made with, in bytes.
const SecretSize = 32

// Use is what a token is for.
type Use string

// The uses; they are the audiences of the tokens.
const (
	Refresh Use = "chaveiro:refresh" // the token of an apikey itself
	Access  Use = "chaveiro:access"  // made from it for AccessLife
)

// ErrToken says that a token is not genuine, has expired, or is not of a use that was asked for.
var ErrToken = errors.New("auth: token not valid")

const (
	issuer        = "chaveiro"
	subjectPrefix = "apikey:"
)

// Tokens makes and verifies tokens: JWTs with HMAC-SHA-256 (RFC 7519, RFC 7518 section 3.2). Each use has a key of its own.
type Tokens struct {
	keys map[Use][]byte
	now  func() time.Time
}

// NewTokens derives the keys from a secret of SecretSize bytes.
func NewTokens(secret []byte, now func() time.Time) (*Tokens, error) {
	if len(secret) != SecretSize {
		return nil, fmt.Errorf("auth: the token secret has %d bytes, not %d", len(secret), SecretSize)
	}
	keys := map[Use][]byte{}
	for _, use := range []Use{Refresh, Access} {
		key, err := hkdf.Key(sha256.New, secret, nil, string(use), sha256.Size)
		if err != nil {
			return nil, err
		}
		keys[use] = key
	}
	return &Tokens{keys: keys, now: now}, nil
}

type claims struct {
	jwt.RegisteredClaims
	Generation int64 `json:"gen"`
}

// Refresh returns the token of an apikey: always the same for one generation of the key.
func (t *Tokens) Refresh(k domain.APIKey) (domain.Secret, error) {
	return t.sign(Refresh, k, jwt.RegisteredClaims{IssuedAt: jwt.NewNumericDate(k.CreatedAt)})
}

// Access returns a token that stands for the apikey for AccessLife.
func (t *Tokens) Access(k domain.APIKey) (domain.Secret, error) {
	now := t.now()
	return t.sign(Access, k, jwt.RegisteredClaims{
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(AccessLife)),
	})
}

func (t *Tokens) sign(use Use, k domain.APIKey, registered jwt.RegisteredClaims) (domain.Secret, error) {
	registered.Issuer = issuer
	registered.Audience = jwt.ClaimStrings{string(use)}
	registered.Subject = subjectPrefix + strconv.FormatInt(k.ID, 10)
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{registered, k.Generation})
	text, err := token.SignedString(t.keys[use])
	return domain.Secret(text), err
}

// Grant is what a genuine token says.
type Grant struct {
	Use        Use
	APIKeyID   int64
	Generation int64
	ExpiresAt  time.Time // zero: never
}

// Expired reports whether the token has ended at the time now.
func (g Grant) Expired(now time.Time) bool { return !g.ExpiresAt.IsZero() && !now.Before(g.ExpiresAt) }

// Verify checks that a token is genuine, of one of the uses, and not expired. The only error is ErrToken.
func (t *Tokens) Verify(token string, uses ...Use) (Grant, error) {
	for _, use := range uses {
		if grant, err := t.verify(token, use); err == nil {
			return grant, nil
		}
	}
	return Grant{}, ErrToken
}

func (t *Tokens) verify(token string, use Use) (Grant, error) {
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(string(use)), jwt.WithTimeFunc(t.now), jwt.WithStrictDecoding(),
	}
	if use == Access {
		options = append(options, jwt.WithExpirationRequired())
	}
	if strings.ContainsAny(token, "\r\n") { // the decoder would pass over them
		return Grant{}, ErrToken
	}
	var c claims
	if _, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.keys[use], nil }, options...); err != nil {
		return Grant{}, ErrToken
	}
	number, found := strings.CutPrefix(c.Subject, subjectPrefix)
	id, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil {
		return Grant{}, ErrToken
	}
	grant := Grant{Use: use, APIKeyID: id, Generation: c.Generation}
	if c.ExpiresAt != nil {
		grant.ExpiresAt = c.ExpiresAt.Time
	}
	return grant, nil
}
