package chaveiro

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrNoCredential is the error of a call that needs a credential, which Config does not have.
var ErrNoCredential = errors.New("no credential: set Config.Auth, or Config.VaultAuth for Vault")

// An Authenticator is a credential: APIKey, Password or AccessToken of Config.Auth, and
// ClientCredentials, OAuth1 or AccessToken of Config.VaultAuth.
type Authenticator interface {
	signer(c *client) signer
}

// A signer puts a credential on requests. It is the one place where that happens.
type signer interface {
	// sign signs a request before it is sent.
	sign(ctx context.Context, r *http.Request) error
	// refused is told that a signed request was answered with 401. It reports whether signing anew
	// may help.
	refused(ctx context.Context, r *http.Request) bool
}

// APIKey is the token of an apikey. It is exchanged for access tokens.
type APIKey string

func (k APIKey) signer(c *client) signer {
	return newTokens(c, func(string) *request {
		return tokenRequest("/api", false, map[string]string{
			"grant_type": "refresh_token", "refresh_token": string(k),
		})
	})
}

// Password is a user of the server. It begins a session, which is renewed by its refresh token.
type Password struct{ Username, Password string }

func (p Password) signer(c *client) signer {
	t := newTokens(c, func(refresh string) *request {
		grant := map[string]string{"grant_type": "refresh_token", "refresh_token": refresh}
		if refresh == "" {
			grant = map[string]string{"grant_type": "password", "username": p.Username, "password": p.Password}
		}
		return tokenRequest("/api", false, grant)
	})
	t.session = true
	return t
}

// ClientCredentials are those of an authorization whose application has the method oauth2. They are
// exchanged for access tokens (RFC 6749, section 4.4).
type ClientCredentials struct{ ID, Secret string }

func (k ClientCredentials) signer(c *client) signer {
	return newTokens(c, func(string) *request {
		return tokenRequest("/iso", true, map[string]string{
			"grant_type": "client_credentials", "client_id": k.ID, "client_secret": k.Secret,
		})
	})
}

// AccessToken is an access token. It is used until it ends, and not renewed.
type AccessToken string

func (t AccessToken) signer(*client) signer { return t }

func (t AccessToken) sign(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", "Bearer "+string(t))
	return nil
}

func (AccessToken) refused(context.Context, *http.Request) bool { return false }

// tokenRequest returns an exchange. It is tried again like a GET: a token that nobody got harms
// nobody.
func tokenRequest(prefix string, vault bool, grant map[string]string) *request {
	return &request{
		operation: "createToken", method: http.MethodPost, path: prefix + "/oauth2/token", accept: "application/json",
		json: grant, retry: safe, vault: vault, open: true,
	}
}

// renewalMargin is how long before its end a token is renewed; of a short life it is a tenth.
const renewalMargin = 30 * time.Second

// tokens signs with access tokens. It exchanges the credential for one when there is none, shortly
// before one ends, and after one was refused.
type tokens struct {
	client *client
	grant  func(refresh string) *request
	turn   chan struct{} // holds one element while nobody looks at the rest: one exchange at a time

	access  string
	renewal time.Time // when access is renewed
	session bool      // the grant takes a refresh token
	refresh string    // of the session; empty: it has not begun
}

func newTokens(c *client, grant func(refresh string) *request) *tokens {
	t := &tokens{client: c, grant: grant, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// take waits for the turn.
func (t *tokens) take(ctx context.Context) error {
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
		return classify(ctx, t.grant(""), ctx.Err())
	}
}

func (t *tokens) give() { t.turn <- struct{}{} }

func (t *tokens) sign(ctx context.Context, r *http.Request) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer t.give()
	if t.access == "" || !t.client.now().Before(t.renewal) {
		if err := t.renew(ctx); err != nil {
			return err
		}
	}
	r.Header.Set("Authorization", "Bearer "+t.access)
	return nil
}

// refused forgets the token of a request, unless another caller has renewed it meanwhile.
func (t *tokens) refused(ctx context.Context, r *http.Request) bool {
	if t.take(ctx) != nil {
		return false
	}
	defer t.give()
	if r.Header.Get("Authorization") == "Bearer "+t.access {
		t.access = ""
	}
	return true
}

// granted is what both dialects answer to an exchange.
type granted struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
}

// renew exchanges the credential. A session that has ended is begun anew.
func (t *tokens) renew(ctx context.Context) error {
	asked := t.client.now()
	answer, err := call[granted](ctx, t.client, t.grant(t.refresh), nil)
	if _, ended := errors.AsType[*UnauthorizedError](err); ended && t.refresh != "" {
		t.refresh = ""
		answer, err = call[granted](ctx, t.client, t.grant(""), nil)
	}
	if err != nil {
		return err
	}
	life := time.Duration(answer.ExpiresIn) * time.Second
	t.access = answer.AccessToken
	if t.session {
		t.refresh = answer.RefreshToken
	}
	t.renewal = asked.Add(life - min(renewalMargin, life/10))
	return nil
}
