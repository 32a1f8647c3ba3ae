package vault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// secretPair holds the unsealed secrets of an authorization: the client secret, or those of
// consumer and token.
type secretPair struct{ secret, tokenSecret domain.Secret }

// holder is an authorization as it was read, or the fact that there is none.
type holder struct {
	domain.PAMAuthorization
	present, previous secretPair
	missing           bool
}

// uses refuses an authorization that does not exist, or whose application has another method.
func (h holder) uses(method domain.AuthMethod) error {
	switch {
	case h.missing:
		return access.Unauthenticated(domain.WithPart(domain.PartKey, errUnknown))
	case h.Application.Method != method:
		return access.Unauthenticated(
			domain.WithPart(
				domain.PartMethod, fmt.Errorf("authorization %d is of the method %s", h.ID, h.Application.Method),
			),
		)
	}
	return nil
}

// opens reports whether a proof holds with the present secrets, or with the previous ones during
// the overlap, and returns their generation.
func (h holder) opens(now time.Time, proof func(secretPair) bool) (generation int64, good bool) {
	if proof(h.present) {
		return h.Generation, true
	}
	return h.Generation - 1, len(h.Secrets.Previous) > 0 && now.Before(h.PreviousUntil) && proof(h.previous)
}

// keyed finds an authorization by the key that was sent. A text that can't be a key is neither
// looked up nor cached.
func (s *Authenticator) keyed(ctx context.Context, k *access.Knowledge, key string) (holder, error) {
	if len(key) != publicDigits {
		return holder{missing: true}, nil
	}
	return s.known(
		ctx, k, "key:"+key,
		func() (domain.PAMAuthorization, error) { return s.Access.Store.PAMAuthorizations().Keyed(ctx, key) },
	)
}

// known returns an authorization from the cache, or reads and caches it.
func (s *Authenticator) known(
	ctx context.Context, k *access.Knowledge, key string, read func() (domain.PAMAuthorization, error),
) (holder, error) {
	if found, ok := s.memory.get(k, key); ok {
		return found, nil
	}
	var found holder
	authorization, err := read()
	authorization.Proof.Point = k.Point
	if domain.IsKind(err, domain.Missing) {
		found, err = holder{missing: true}, nil
	} else if err == nil {
		found, err = s.open(ctx, authorization)
	}
	if err != nil {
		return holder{}, err
	}
	s.memory.keep(k, key, found)
	return found, nil
}

func (s *Authenticator) open(ctx context.Context, a domain.PAMAuthorization) (holder, error) {
	h := holder{PAMAuthorization: a}
	var err error
	if h.present, err = openSecrets(s.Keys, a.Key, a.Secrets.Present); err != nil {
		return h, err
	}
	if len(a.Secrets.Previous) == 0 {
		return h, nil
	}
	h.previous, err = openSecrets(s.Keys, a.Key, a.Secrets.Previous)
	return h, err
}

// authorizationContext binds sealed secrets to the public key of their row.
func authorizationContext(publicKey string) string { return "pam-authorization/" + publicKey }

// SealedContexts says what the sealed values of this package are bound to.
func SealedContexts() map[domain.SealedKind]func(domain.SealedPlace) string {
	context := func(p domain.SealedPlace) string { return authorizationContext(p.Name) }
	return map[domain.SealedKind]func(domain.SealedPlace) string{
		domain.SealedAuthorization: context, domain.SealedEarlierAuthorization: context,
	}
}

// sealSecrets seals the secrets and binds them to the public key of their row; openSecrets unseals
// them.
func sealSecrets(keys *seal.Keyring, publicKey string, one secretPair) []byte {
	return keys.Seal([]byte(string(one.secret)+" "+string(one.tokenSecret)), authorizationContext(publicKey))
}

func openSecrets(keys *seal.Keyring, publicKey string, sealed []byte) (secretPair, error) {
	text, err := keys.Open(sealed, authorizationContext(publicKey))
	if err != nil {
		return secretPair{}, fmt.Errorf("secrets of the authorization %s: %w", publicKey, err)
	}
	secret, tokenSecret, _ := strings.Cut(string(text), " ")
	return secretPair{domain.Secret(secret), domain.Secret(tokenSecret)}, nil
}
