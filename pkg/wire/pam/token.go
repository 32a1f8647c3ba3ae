package pam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault"
	"github.com/chaveiro/chaveiro/pkg/wire/form"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

const (
	grantClient   = "client_credentials"
	fieldGrant    = "grant_type"
	fieldClientID = "client_id"
	fieldSecret   = "client_secret"
)

type tokens struct{ access *vault.Authenticator }

// CreateToken implements the operation createToken. The middleware has replaced the body with its
// fields.
func (h tokens) CreateToken(
	ctx context.Context, request gen.CreateTokenRequestObject,
) (gen.CreateTokenResponseObject, error) {
	b := request.JSONBody
	switch {
	case string(b.GrantType) != grantClient:
		return nil, domain.Fault(domain.Malformed, fieldGrant, domain.ReasonGrant)
	case text(b.ClientID) == "":
		return nil, domain.Fault(domain.Malformed, fieldClientID, domain.ReasonRequired)
	}
	token, err := h.access.Token(
		ctx, text(b.ClientID), domain.Secret(text(b.ClientSecret)), vault.Request{Certificate: certificateOf(ctx)},
	)
	if err != nil {
		return nil, err
	}
	return gen.CreateToken200JSONResponse{
		Body: gen.TokenAnswer{
			TokenType: "Bearer", ExpiresIn: int(token.Life / time.Second), AccessToken: string(token.Token),
		},
		Headers: gen.CreateToken200ResponseHeaders{CacheControl: new("no-store")},
	}, nil
}

// The texts of RFC 6749, section 5.2, as the vendor's server has them, and our own for requests
// that can't be read.
const (
	textGrant           = "The authorization grant type is not supported by the authorization server."
	textMissing         = "The request is missing a required parameter: %s."
	textTokenTwice      = "The request includes a parameter more than once: %s."
	textTwoClients      = "The request has more than one client authentication: send HTTP Basic, or client_id and client_secret in the body."
	textTokenUnreadable = "The request could not be read."
)

// renderToken returns status and body of an error of the token endpoint, which has no envelope.
func renderToken(err error) (int, any) {
	faults := domain.Faults(err)
	if len(faults) == 0 {
		return http.StatusInternalServerError, tokenError("server_error", textUnexpected)
	}
	switch fault := faults[0]; {
	case fault.Kind == domain.Unauthenticated || fault.Kind == domain.Forbidden:
		return http.StatusUnauthorized, tokenError("invalid_client", textClient)
	case fault.Reason == domain.ReasonGrant:
		return http.StatusBadRequest, tokenError("unsupported_grant_type", textGrant)
	default:
		return http.StatusBadRequest, tokenError("invalid_request", unreadableToken(fault))
	}
}

func unreadableToken(fault *domain.Error) string {
	switch fault.Reason {
	case domain.ReasonRequired:
		return fmt.Sprintf(textMissing, fault.Field)
	case domain.ReasonTwice:
		return fmt.Sprintf(textTokenTwice, fault.Field)
	case domain.ReasonTwoCredentials:
		return textTwoClients
	case domain.ReasonContentType:
		return textJSONAsForm + "."
	case domain.ReasonBodySize:
		return fmt.Sprintf(textTooLarge+".", fault.Args...)
	}
	return textTokenUnreadable
}

func tokenError(name, description string) gen.TokenError {
	return gen.TokenError{Error: name, ErrorDescription: description, Message: description}
}

// basicChallenge asks for HTTP Basic if the client has used it (RFC 6749, section 5.2).
func basicChallenge(r *http.Request) string {
	if isBasic(r.Header.Get(echo.HeaderAuthorization)) {
		return `Basic realm="OAuth"`
	}
	return ""
}

func isBasic(header string) bool {
	scheme, _, _ := strings.Cut(header, " ")
	return strings.EqualFold(scheme, "Basic")
}

type certificateKey struct{}

func certificateOf(ctx context.Context) []byte {
	der, _ := ctx.Value(certificateKey{}).([]byte)
	return der
}

// withCertificate passes the client's certificate to what comes after it.
func withCertificate(certificate func(echo.Context) []byte) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetRequest(
				c.Request().WithContext(context.WithValue(c.Request().Context(), certificateKey{}, certificate(c))),
			)
			return next(c)
		}
	}
}

// credentials adds the client id and secret of HTTP Basic to the fields of a token request; they
// may be form-encoded (RFC 6749, section 2.3.1). Each field comes from one place: a client that
// sends two credentials is told so. Headers of other schemes are ignored, because clients send an
// old access token when they ask for the next one.
func credentials(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		merged, err := tokenFields(r)
		if err != nil {
			return err
		}
		return replaceBody(c, merged, next)
	}
}

func tokenFields(r *http.Request) (form.Fields, error) {
	names := []string{fieldGrant, fieldClientID, fieldSecret}
	headers, body := r.Header.Values(echo.HeaderAuthorization), bodyOf(r.Context())
	switch {
	case len(headers) > 1:
		return nil, twoClients("more than one Authorization header")
	case len(r.URL.RawQuery) > maxTokenBody || len(headers) == 1 && len(headers[0]) > maxTokenBody:
		return nil, domain.Fault(domain.Malformed, "", domain.ReasonBodySize, maxTokenBody)
	case body.err != nil:
		return nil, body.err
	}
	merged, err := form.Text(r.URL.RawQuery, names)
	if err != nil {
		return nil, err
	}
	ofBody, err := body.fields(names)
	if err != nil {
		return nil, err
	}
	for name, value := range ofBody {
		if _, twice := merged[name]; twice {
			return nil, domain.Fault(domain.Malformed, name, domain.ReasonTwice)
		}
		merged[name] = value
	}
	return merged, addBasic(r, merged)
}

func addBasic(r *http.Request, merged form.Fields) error {
	if !isBasic(r.Header.Get(echo.HeaderAuthorization)) {
		return nil
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		return unreadable(domain.WithPart(domain.PartCredentials, errors.New("HTTP Basic that can't be read")))
	}
	if merged[fieldClientID] != "" || merged[fieldSecret] != "" {
		return twoClients("HTTP Basic and client credentials in the request")
	}
	merged[fieldClientID], merged[fieldSecret] = unescape(id), unescape(secret)
	return nil
}

func twoClients(cause string) error {
	return &domain.Error{
		Kind: domain.Malformed, Field: "authorization", Reason: domain.ReasonTwoCredentials,
		Err: domain.WithPart(domain.PartCredentials, errors.New(cause)),
	}
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// The grants of the other dialect.
const (
	grantRefresh  = "refresh_token"
	grantPassword = "password"
)

// isTokenRequest reports whether a request for a token under the alias belongs to this dialect: its
// grant decides, and if that says nothing, a form or the scheme Basic does. The body can be read
// again.
func isTokenRequest(c echo.Context, read oas.ReadBody) bool {
	r := c.Request()
	text, err := read(c, io.LimitReader(r.Body, maxTokenBody+1), maxTokenBody)
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text), r.Body))
	body := rawBody{text: text, contentType: r.Header.Get(echo.HeaderContentType)}
	named := isBasic(r.Header.Get(echo.HeaderAuthorization)) || form.Is(body.contentType)
	if err != nil || len(text) > maxTokenBody {
		return named
	}
	if form.LooksLikeJSON(text) {
		// Whatever its type is: the dialect that the grant names should say what is wrong with it.
		body.contentType = echo.MIMEApplicationJSON
	}
	fields, err := body.fields([]string{fieldGrant})
	switch grant := fields[fieldGrant]; {
	case err == nil && (grant == grantRefresh || grant == grantPassword) && !strings.HasSuffix(r.URL.Path, "/"):
		// that dialect has no path with a slash at the end
		return false
	case err == nil && grant == grantClient:
		return true
	}
	return named
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
