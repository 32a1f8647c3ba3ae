package pam

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxBody is the size of a request body in bytes.
const maxBody = 256 << 10

// rawBody is the body of a request as it came, with its media type.
type rawBody struct {
	text  []byte
	media string
	err   error // why there is not all of it; who needs the body returns it
}

type rawBodyKey struct{}

func bodyOf(ctx context.Context) rawBody {
	body, _ := ctx.Value(rawBodyKey{}).(rawBody)
	return body
}

// readBody keeps the body for the signature and for the normaliser.
func readBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		text, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxBody))
		body := rawBody{text: text, media: mediaType(r.Header), err: err}
		c.SetRequest(r.WithContext(context.WithValue(r.Context(), rawBodyKey{}, body)))
		c.Request().Body = io.NopCloser(bytes.NewReader(text))
		return next(c)
	}
}

func mediaType(header http.Header) string {
	media, _, _ := mime.ParseMediaType(header.Get(echo.HeaderContentType))
	return media
}

func unreadable(cause error) error {
	return &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonMalformed, Err: cause}
}

func (b rawBody) isForm() bool { return b.media == echo.MIMEApplicationForm }

// form is the body as it came if it is a form, whatever the method: a form is signed also where nobody reads it.
func (b rawBody) form() string {
	if b.isForm() {
		return string(b.text)
	}
	return ""
}

// fields are the named values of a request.
type fields map[string]string

// deviceFields are what an upsert consists of.
var deviceFields = []string{
	"hostname", "ip", "model", "type", "vendor", "site", "device_domain", "device_tags", "connectivities", "session_remote_config",
}

// normalise makes one JSON object of the query and the body: the body wins, and only fields of devices are kept.
func normalise(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		merged, err := merge(c.Request().URL.RawQuery, bodyOf(c.Request().Context()), deviceFields)
		if err != nil {
			return err
		}
		return replaceBody(c, merged, next)
	}
}

// replaceBody goes on with the fields as the body.
func replaceBody(c echo.Context, merged fields, next echo.HandlerFunc) error {
	text, err := json.Marshal(merged)
	if err != nil {
		return err
	}
	c.Request().Body = io.NopCloser(bytes.NewReader(text))
	c.Request().ContentLength = int64(len(text))
	c.Request().Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	return next(c)
}

// merge reads the fields of these names; nobody looks at the others.
func merge(query string, body rawBody, names []string) (fields, error) {
	merged := fields{}
	if err := cmp.Or(body.err, merged.addForm(query, names)); err != nil {
		return nil, unreadable(err)
	}
	text := bytes.TrimSpace(body.text)
	var err error
	switch {
	case len(text) == 0:
	case body.media == echo.MIMEApplicationJSON || !body.isForm() && text[0] == '{':
		err = merged.addJSON(text, names)
	default:
		err = merged.addForm(string(text), names)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	return merged, nil
}

var errUTF8 = errors.New("not UTF-8")

func (f fields) addForm(text string, names []string) error {
	for pair := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if err := errors.Join(nameErr, valueErr); err != nil {
			return err
		}
		if !utf8.ValidString(value) {
			return errUTF8
		}
		if slices.Contains(names, name) {
			f[name] = value
		}
	}
	return nil
}

func (f fields) addJSON(text []byte, names []string) error {
	if !utf8.Valid(text) {
		return errUTF8
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	for _, name := range names {
		value := object[name]
		if value == nil {
			continue
		}
		text, err := scalar(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		f[name] = text
	}
	return nil
}

// scalar is the text of a JSON value. Clients send numbers, and lists where the dialect has texts with commas.
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
