package vault

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// For an application of the method none, the token of an authorization is its secret. The token is
// sealed, as the secrets of the other methods are, and the row holds the masked token in its place.
// Rows of earlier releases hold the token in clear: such a token remains valid, and is sealed in
// the background.

// seal stores the sealed secrets in the authorization. For the method none it also masks the token.
func (s *Authorizations) seal(a *domain.PAMAuthorization, secrets secretPair) {
	a.Secrets.Present = sealSecrets(s.Keys, a.Key, secrets)
	if a.Application.Method == domain.AuthUnsigned {
		a.Token = string(secrets.secret.Masked())
	}
}

// issue returns the authorization that do gives, or gave when the request came first, with its
// secrets. No other answer shows them.
func (s *Authorizations) issue(
	ctx context.Context, do func() (domain.PAMAuthorization, error),
) (IssuedAuthorization, error) {
	a, err := idempotency.Do(ctx, s.Control.Recorder.Results, do)
	if err != nil {
		return IssuedAuthorization{}, err
	}
	secrets, err := openSecrets(s.Keys, a.Key, a.Secrets.Present)
	if a.Application.Method == domain.AuthUnsigned {
		a.Token = string(secrets.secret)
		return IssuedAuthorization{PAMAuthorization: a}, err
	}
	return IssuedAuthorization{a, secrets.secret, secrets.tokenSecret}, err
}

// concealed masks the token of an authorization if that is a secret.
func concealed(a domain.PAMAuthorization) domain.PAMAuthorization {
	if a.Application.Method == domain.AuthUnsigned {
		a.Token = string(domain.Secret(a.Token).Masked())
	}
	return a
}

// token returns the token that a request must carry beside the key.
func (h holder) token() string {
	if h.Application.Method == domain.AuthUnsigned && !h.plainToken() {
		return string(h.present.secret)
	}
	return h.Token
}

// plainToken reports whether the token is a secret that is stored in clear.
func (h holder) plainToken() bool {
	return h.Application.Method == domain.AuthUnsigned && h.present.secret == ""
}

// sealToken seals the token of an authorization unless it is sealed already. Nothing else of the
// authorization changes, so no right is checked and no audit event is recorded.
func (s *Authenticator) sealToken(ctx context.Context, id int64) error {
	return s.Access.Store.Transact(ctx, func(tx domain.Store) error {
		// serializes this with all other changes of authorizations
		if err := tx.AccessControl().Advance(ctx); err != nil {
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

// SealTokens seals the tokens that earlier releases have stored in clear. It also seals those that
// a replica of an earlier release creates while this one runs.
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
