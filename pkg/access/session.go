package access

import (
	"context"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Token is the outcome of an exchange.
type Token struct {
	Token domain.Secret
	Life  time.Duration
}

// Exchange returns an access token for the token of an apikey or of a session. Errors: as for
// Authenticate.
func (s *Authenticator) Exchange(ctx context.Context, refresh domain.Secret) (Token, error) {
	holder, err := s.holder(ctx, refresh, auth.Refresh, auth.Session)
	if err != nil {
		return Token{}, err
	}
	if err := s.admit(ctx, holder.Holder); err != nil {
		return Token{}, err
	}
	return s.accessToken(ctx, holder.Holder)
}

// Resume is Authenticate for a session whose access token has expired: it returns the principal and
// the next access token.
func (s *Authenticator) Resume(ctx context.Context, refresh domain.Secret) (domain.Principal, Token, error) {
	holder, err := s.holder(ctx, refresh, auth.Refresh, auth.Session)
	if err != nil {
		return domain.Principal{}, Token{}, err
	}
	if err := s.admit(ctx, holder.Holder); err != nil {
		return holder.principal(), Token{}, err
	}
	token, err := s.accessToken(ctx, holder.Holder)
	return holder.principal(), token, err
}

func (s *Authenticator) accessToken(ctx context.Context, h domain.Holder) (Token, error) {
	tokens, err := s.Tokens(ctx)
	if err != nil {
		return Token{}, err
	}
	token, err := tokens.Access(h)
	return Token{Token: token, Life: h.Left(s.Now(), auth.AccessLife)}, err
}

// Session is the result of signing in: the session's token, from which access tokens are made, and
// the first access token.
type Session struct {
	Refresh domain.Secret
	Life    time.Duration
	Access  Token
}

// session makes the tokens of a user's new session.
func (s *Authenticator) session(ctx context.Context, user domain.User) (Session, error) {
	tokens, err := s.Tokens(ctx)
	if err != nil {
		return Session{}, err
	}
	refresh, refreshErr := tokens.Session(user.Holder())
	access, accessErr := s.accessToken(ctx, user.Holder())
	return Session{Refresh: refresh, Life: auth.SessionLife, Access: access}, errors.Join(refreshErr, accessErr)
}
