// Package form reads the named fields of a query, and of bodies that are forms:
// application/x-www-form-urlencoded and multipart/form-data. It is shared by the dialects.
//
// It imports domain. What can't be read is a *domain.Error with Malformed. What is not obvious: a
// wanted name that appears twice in one place is refused, because one reader takes the first value
// and another the last.
package form

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The media types of forms.
const (
	URLEncoded = "application/x-www-form-urlencoded"
	Multipart  = "multipart/form-data"
)

// maxParts bounds the parts of a multipart body.
const maxParts = 64

// Fields are values by name.
type Fields map[string]string

// Is reports whether a Content-Type header is that of a form.
func Is(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return media == URLEncoded || media == Multipart
}

// Body reads the fields with these names from the body of a form. Errors: Malformed, with
// ReasonContentType for JSON that is sent as a form.
func Body(contentType string, body []byte, names []string) (Fields, error) {
	media, parameters, _ := mime.ParseMediaType(contentType)
	switch {
	case media == Multipart:
		return readParts(body, parameters["boundary"], names)
	case LooksLikeJSON(body):
		return nil, domain.Fault(domain.Malformed, "", domain.ReasonContentType, "application/json")
	}
	return Text(string(body), names)
}

// LooksLikeJSON reports whether a body begins as a JSON object or list does. Encoders of forms
// escape these characters.
func LooksLikeJSON(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

var errUTF8 = errors.New("not UTF-8")

// Text reads the fields with these names from a text such as name=value&name=value. Other fields
// are dropped, but they must be well-formed too.
func Text(text string, names []string) (Fields, error) {
	fields := Fields{}
	for pair := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if err := errors.Join(nameErr, valueErr); err != nil {
			return nil, malformed(err)
		}
		if err := fields.add(name, value, names); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func (f Fields) add(name, value string, names []string) error {
	if !utf8.ValidString(value) {
		return malformed(errUTF8)
	}
	if !slices.Contains(names, name) {
		return nil
	}
	if _, twice := f[name]; twice {
		return domain.Fault(domain.Malformed, name, domain.ReasonTwice)
	}
	f[name] = value
	return nil
}

// readParts reads a multipart body (RFC 7578) that is already in memory, and so bounded. Files are
// refused.
func readParts(body []byte, boundary string, names []string) (Fields, error) {
	fields := Fields{}
	if boundary == "" {
		return nil, malformed(errors.New("a multipart body without a boundary"))
	}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for count := 0; ; count++ {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return fields, nil
		}
		if err == nil && count == maxParts {
			err = errors.New("too many parts")
		}
		if err != nil {
			return nil, malformed(err)
		}
		if err := fields.addPart(part, names); err != nil {
			return nil, err
		}
	}
}

func (f Fields) addPart(part *multipart.Part, names []string) error {
	if part.FileName() != "" {
		return malformed(errors.New("a part is a file"))
	}
	if encoding := part.Header.Get("Content-Transfer-Encoding"); encoding != "" && !plainEncoding(encoding) {
		return malformed(errors.New("a part is encoded"))
	}
	value, err := io.ReadAll(part)
	if err != nil {
		return malformed(err)
	}
	return f.add(part.FormName(), string(value), names)
}

// plainEncoding reports whether a Content-Transfer-Encoding leaves the content as it is (RFC 2045,
// section 6.2).
func plainEncoding(encoding string) bool {
	return slices.Contains([]string{"7bit", "8bit", "binary"}, strings.ToLower(encoding))
}

func malformed(cause error) error {
	return &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonMalformed, Err: cause}
}
