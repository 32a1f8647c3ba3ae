package pam

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

const (
	grantClient   = "client_credentials"
	fieldGrant    = "grant_type"
	fieldClientID = "client_id"
	fieldSecret   = "client_secret"

	errInvalidRequest = "invalid_request"
)

type tokens struct {
	access   *service.PAMAccess
	refusals *service.Refusals
}

// CreateToken implements the operation createToken, for bodies that the middleware has made one of fields.
func (h tokens) CreateToken(ctx context.Context, request gen.CreateTokenRequestObject) (gen.CreateTokenResponseObject, error) {
	b := request.JSONBody
	switch {
	case text(b.GrantType) != grantClient:
		return badRequest("unsupported_grant_type", "The authorization grant type is not supported by the authorization server."), nil
	case text(b.ClientID) == "":
		return badRequest(errInvalidRequest, "The request is missing a required parameter: client_id."), nil
	}
	token, err := h.access.Token(ctx, text(b.ClientID), domain.Secret(text(b.ClientSecret)), service.PAMRequest{Certificate: certificateOf(ctx)})
	if faults := domain.Faults(err); len(faults) > 0 {
		h.refusals.Record(ctx, domain.ResourceTokens, 0, faults[0])
		return invalidClient(usedBasic(ctx)), nil
	}
	if err != nil {
		return nil, err
	}
	return gen.CreateToken200JSONResponse{
		Body:    gen.TokenAnswer{TokenType: "Bearer", ExpiresIn: int(token.Life / time.Second), AccessToken: string(token.Token)},
		Headers: gen.CreateToken200ResponseHeaders{CacheControl: noStore()},
	}, nil
}

func noStore() *string {
	value := "no-store"
	return &value
}

func badRequest(name, description string) gen.CreateToken400JSONResponse {
	return gen.CreateToken400JSONResponse{Error: name, ErrorDescription: description, Message: description}
}

// renderToken gives status and body of an error of the token endpoint, which has no envelope.
func renderToken(err error) (int, any) {
	if len(domain.Faults(err)) > 0 {
		return http.StatusBadRequest, badRequest(errInvalidRequest, "The request could not be read.")
	}
	return http.StatusInternalServerError, gen.TokenError{Error: "server_error", ErrorDescription: textUnexpected, Message: textUnexpected}
}

// invalidClient is the answer to credentials that are not good (RFC 6749, 5.2).
func invalidClient(basic bool) gen.CreateToken401JSONResponse {
	answer := gen.CreateToken401JSONResponse{Body: gen.TokenError{Error: "invalid_client", ErrorDescription: textClient, Message: textClient}}
	if basic {
		challenge := `Basic realm="OAuth"`
		answer.Headers.WWWAuthenticate = &challenge
	}
	return answer
}

type basicKey struct{}

func usedBasic(ctx context.Context) bool {
	used, _ := ctx.Value(basicKey{}).(bool)
	return used
}

type certificateKey struct{}

func certificateOf(ctx context.Context) []byte {
	der, _ := ctx.Value(certificateKey{}).([]byte)
	return der
}

// withCertificate hands the client's certificate to what comes after it.
func withCertificate(certificate func(echo.Context) []byte) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), certificateKey{}, certificate(c))))
			return next(c)
		}
	}
}

// credentials puts what an Authorization header of the scheme Basic has among the fields of a token request. The header wins; its parts may be
// form-encoded (RFC 6749, 2.3.1).
func credentials(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		merged, err := merge(r.URL.RawQuery, bodyOf(r.Context()), []string{fieldGrant, fieldClientID, fieldSecret})
		if err != nil {
			return err
		}
		if id, secret, ok := r.BasicAuth(); ok {
			merged[fieldClientID], merged[fieldSecret] = unescape(id), unescape(secret)
			c.SetRequest(r.WithContext(context.WithValue(r.Context(), basicKey{}, true)))
		}
		return replaceBody(c, merged, next)
	}
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// isTokenRequest reports whether a request for a token is one of this dialect: a form, the scheme Basic, or its grant in JSON. The body can be read
// again.
func isTokenRequest(r *http.Request) bool {
	if _, _, basic := r.BasicAuth(); basic || mediaType(r.Header) == echo.MIMEApplicationForm {
		return true
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	var request struct {
		Grant any `json:"grant_type"`
	}
	return json.Unmarshal(body, &request) == nil && request.Grant == grantClient
}
