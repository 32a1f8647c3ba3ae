package pam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/form"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// The maximum sizes of a request body in bytes: of any request, and of a request for a token, which
// anybody may send.
const (
	maxBody      = 256 << 10
	maxTokenBody = 8 << 10
)

// rawBody is the body of a request as it came, with its Content-Type header.
type rawBody struct {
	text        []byte
	contentType string
	err         error // why the body is incomplete; code that needs the body returns this error
}

type rawBodyKey struct{}

func bodyOf(ctx context.Context) rawBody {
	body, _ := ctx.Value(rawBodyKey{}).(rawBody)
	return body
}

// readBody reads the body, of at most that many bytes, and keeps it for the signature and for the
// normaliser.
func readBody(read oas.ReadBody, most int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			text, err := read(c, http.MaxBytesReader(c.Response(), r.Body, most), most)
			if err != nil && len(domain.Faults(err)) == 0 {
				return err
			}
			body := rawBody{text: text, contentType: r.Header.Get(echo.HeaderContentType), err: err}
			c.SetRequest(r.WithContext(context.WithValue(r.Context(), rawBodyKey{}, body)))
			c.Request().Body = io.NopCloser(bytes.NewReader(text))
			return next(c)
		}
	}
}

func (b rawBody) media() string {
	media, _, _ := mime.ParseMediaType(b.contentType)
	return media
}

func unreadable(cause error) error {
	return &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonMalformed, Err: cause}
}

// form returns the body as it came if it is a form, whatever the method: a form is signed even if
// no operation reads it.
func (b rawBody) form() string {
	if b.media() == form.URLEncoded {
		return string(b.text)
	}
	return ""
}

// deviceFields are the fields of an upsert.
var deviceFields = []string{
	"hostname", "ip", "model", "type", "vendor", "site", "device_domain", "device_tags", "connectivities",
	"session_remote_config",
}

// normalise merges the query and the body into one JSON object. The body takes precedence, and only
// fields of devices are kept.
func normalise(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		merged, err := merge(c.Request().URL.RawQuery, bodyOf(c.Request().Context()), deviceFields)
		if err != nil {
			return err
		}
		return replaceBody(c, merged, next)
	}
}

// replaceBody continues with the fields as the body, in JSON.
func replaceBody(c echo.Context, merged form.Fields, next echo.HandlerFunc) error {
	text, err := json.Marshal(merged)
	if err != nil {
		return err
	}
	c.Request().Body = io.NopCloser(bytes.NewReader(text))
	c.Request().ContentLength = int64(len(text))
	c.Request().Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	return next(c)
}

// merge reads the fields with these names and drops the others. A field that appears twice in one
// place is refused.
func merge(query string, body rawBody, names []string) (form.Fields, error) {
	if body.err != nil {
		return nil, body.err
	}
	merged, err := form.Text(query, names)
	if err != nil {
		return nil, err
	}
	ofBody, err := body.fields(names)
	maps.Copy(merged, ofBody)
	return merged, err
}

// fields reads the body by its content type: as a form, or as JSON. With any other type, or none,
// it is JSON if it looks like JSON, else text such as name=value&name=value.
func (b rawBody) fields(names []string) (form.Fields, error) {
	text := bytes.TrimSpace(b.text)
	switch {
	case len(text) == 0:
		return nil, nil
	case form.Is(b.contentType):
		return form.Body(b.contentType, b.text, names)
	case b.media() == echo.MIMEApplicationJSON || form.LooksLikeJSON(text):
		fields, err := jsonFields(text, names)
		if err != nil && len(domain.Faults(err)) == 0 {
			err = unreadable(err)
		}
		return fields, err
	}
	return form.Text(string(text), names)
}

// jsonFields reads a JSON object, or null.
func jsonFields(text []byte, names []string) (form.Fields, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	begin, err := decoder.Token()
	fields := form.Fields{}
	switch {
	case err != nil:
		return nil, err
	case begin == json.Delim('{'):
		err = addMembers(fields, decoder, names)
	case begin != nil:
		err = errors.New("not an object")
	}
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return fields, nil
}

// addMembers reads the members of an object to its end.
func addMembers(fields form.Fields, decoder *json.Decoder, names []string) error {
	seen := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		key, _ := name.(string)
		var value any
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		if !slices.Contains(names, key) {
			continue
		}
		if seen[key] {
			return domain.Fault(domain.Malformed, key, domain.ReasonTwice)
		}
		seen[key] = true
		if value == nil {
			continue
		}
		if fields[key], err = scalar(value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	_, err := decoder.Token()
	return err
}

// scalar returns the text of a JSON value. Clients send numbers too, and lists where the dialect
// has texts with commas.
func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			text, ok := one.(string)
			if !ok {
				return "", errors.New("a list of something else than texts")
			}
			texts[i] = text
		}
		return strings.Join(texts, ","), nil
	}
	return "", errors.New("an object where a text should be")
}
