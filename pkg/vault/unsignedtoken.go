package vault

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The token of an authorization of the method none is its secret. It is sealed, as the secrets of
// the other methods are; the row has in its place what is left of it for people to see. Rows of
// earlier releases have the token itself: it goes on working, and is sealed in the background.

// seal puts the sealed secrets into the authorization.
func (s *Authorizations) seal(a *domain.PAMAuthorization, secrets secretPair) {
	a.Secrets.Present = sealSecrets(s.Keys, a.Key, secrets)
	if a.Application.Method == domain.AuthUnsigned {
		a.Token = string(secrets.secret.Masked())
	}
}

// issued is an authorization with its secrets, for the one answer that shows them.
func issued(a domain.PAMAuthorization, secrets secretPair) IssuedAuthorization {
	if a.Application.Method == domain.AuthUnsigned {
		a.Token = string(secrets.secret)
		return IssuedAuthorization{PAMAuthorization: a}
	}
	return IssuedAuthorization{a, secrets.secret, secrets.tokenSecret}
}

// concealed is an authorization without a token that is a secret.
func concealed(a domain.PAMAuthorization) domain.PAMAuthorization {
	if a.Application.Method == domain.AuthUnsigned {
		a.Token = string(domain.Secret(a.Token).Masked())
	}
	return a
}

// token is what a request has to come with beside the key.
func (h holder) token() string {
	if h.Application.Method == domain.AuthUnsigned && !h.plainToken() {
		return string(h.present.secret)
	}
	return h.Token
}

// plainToken reports whether the token is a secret that is not sealed.
func (h holder) plainToken() bool {
	return h.Application.Method == domain.AuthUnsigned && h.present.secret == ""
}

// sealToken seals the token of an authorization unless that has been done. Nothing else of the
// authorization changes, so nobody is asked for a right, and the audit has no event.
func (s *Authenticator) sealToken(ctx context.Context, id int64) error {
	return s.Access.Store.Transact(ctx, func(tx domain.Store) error {
		if err := tx.AccessControl().Advance(ctx); err != nil { // nobody else changes authorizations meanwhile
			return err
		}
		a, err := tx.PAMAuthorizations().Get(ctx, id)
		if err != nil {
			return err
		}
		h := holder{PAMAuthorization: a}
		if h.present, err = openSecrets(s.Keys, a.Key, a.Secrets.Present); err != nil || !h.plainToken() {
			return err
		}
		a.Secrets.Present = sealSecrets(s.Keys, a.Key, secretPair{secret: domain.Secret(a.Token)})
		a.Token = string(domain.Secret(a.Token).Masked())
		return tx.PAMAuthorizations().Update(ctx, a)
	})
}

// SealTokens seals the tokens that earlier releases have left open, also those that a replica of an
// earlier release makes beside this one.
func (s *Authenticator) SealTokens(ctx context.Context) error {
	for cursor := int64(0); ; {
		page, err := s.Access.Store.PAMAuthorizations().
			Page(ctx, 0, domain.PageRequest{Cursor: cursor, Size: pageOfAll})
		if err != nil {
			return err
		}
		var faults []error
		for _, a := range page.Items {
			if a.Application.Method == domain.AuthUnsigned && len(a.Token) == publicDigits {
				faults = append(faults, s.sealToken(ctx, a.ID))
			}
		}
		if err := errors.Join(faults...); err != nil || page.Next == nil {
			return err
		}
		cursor = *page.Next
	}
}
