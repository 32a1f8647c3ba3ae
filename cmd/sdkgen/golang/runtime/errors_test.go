package chaveiro

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func as[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// TestErrors_Families: each status has its type, and all are StatusErrors.
func TestErrors_Families(t *testing.T) {
	t.Parallel()
	const body = `{"errors":[{"field":"name","type":"duplicated","msg":"já existe","newer":1},{"field":"","type":"newer","msg":"x"}]}`
	for status, family := range map[int]func(error) bool{
		400: as[*BadRequestError], 401: as[*UnauthorizedError], 403: as[*ForbiddenError], 404: as[*NotFoundError],
		409: as[*ConflictError], 429: as[*RateLimitedError], 500: as[*ServerError], 507: as[*ServerError],
		418: as[*StatusError], 302: as[*StatusError],
	} {
		c := serve(t, Config{Retries: NoRetries}, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, status, body)
		})
		_, err := call[item](t.Context(), c.client, get(), nil)
		if !family(err) || !as[*StatusError](err) || as[*DecodeError](err) || as[*NetworkError](err) {
			t.Errorf("%d: %T %v", status, err, err)
			continue
		}
		e, _ := errors.AsType[*StatusError](err)
		want := []FieldError{{"name", "duplicated", "já existe"}, {"", "newer", "x"}}
		if e.Status != status || e.RequestID != "request-1" || !slices.Equal(e.Errors, want) || string(e.Body) != body {
			t.Errorf("%d: %+v", status, e)
		}
		if !strings.HasSuffix(err.Error(), ": name: duplicated: já existe; newer: x") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestErrors_Vault: the vault's dialect has an exception, and its gateway and token errors a text.
func TestErrors_Vault(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]StatusError{
		`{"code":400,"response":{"status":400},"exception":{"code":1011,"message":"1011: Device not found","detail":null}}`: {
			Exception: &VaultException{1011, "1011: Device not found"}, Message: "1011: Device not found",
		},
		`{"message":"no Route matched with those values"}`:                                            {Message: "no Route matched with those values"},
		`{"error":"invalid_client","error_description":"Client authentication failed","message":"x"}`: {Message: "Client authentication failed"},
	} {
		c := serve(t, Config{}, func(w http.ResponseWriter, _ *http.Request) { answer(w, 400, body) })
		_, err := call[item](t.Context(), c.client, get(), nil)
		e, ok := errors.AsType[*BadRequestError](err)
		if !ok || e.Message != want.Message || (e.Exception == nil) != (want.Exception == nil) ||
			e.Exception != nil && *e.Exception != *want.Exception {
			t.Errorf("%s: %v %+v", body, err, e)
		}
	}
}

// TestErrors_NoJSON: an answer of success that is no JSON is a DecodeError; one of an error is of
// the family of its status, and says so too.
func TestErrors_NoJSON(t *testing.T) {
	t.Parallel()
	const page = "<html>Bad gateway</html>"
	for _, status := range []int{200, 404, 502} {
		c := serve(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(page))
		})
		_, err := call[item](t.Context(), c.client, get(), nil)
		e, ok := errors.AsType[*DecodeError](err)
		if !ok || e.Status != status || e.MediaType != "text/html" || string(e.Body) != page || e.Operation != "getItem" {
			t.Errorf("%d: %v", status, err)
		}
		if as[*StatusError](err) != (status != 200) || as[*NotFoundError](err) != (status == 404) ||
			as[*ServerError](err) != (status == 502) {
			t.Errorf("%d: %T", status, err)
		}
		if want := map[int]int{502: defaultRetries}[status]; len(c.pauses) != want {
			t.Errorf("%d: %d pauses", status, len(c.pauses))
		}
	}
}

// TestErrors_Empty: an error may have no body.
func TestErrors_Empty(t *testing.T) {
	t.Parallel()
	c := serve(t, Config{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	var raw Response
	err := callEmpty(t.Context(), c.client, get(), []CallOption{WithResponse(&raw)})
	if !as[*NotFoundError](err) || as[*DecodeError](err) || raw.Status != 404 {
		t.Errorf("%v, captured %+v", err, raw)
	}
}
