package kms

import (
	"fmt"
	"slices"
	"strings"
)

// URI names a key, or the store that it is in: a scheme, attributes that say which one, and after a
// question mark attributes that say how to reach it. The grammar is that of RFC 7512, section 2.3,
// for all schemes:
//
//	pkcs11:token=chaveiro;object=ca-matriz?module-path=/usr/lib/softhsm/libsofthsm2.so
type URI struct {
	Scheme string
	path   []attribute
	query  []attribute
}

// attribute has its value as it is, not percent-encoded. That of an id is binary.
type attribute struct{ name, value string }

// maxURI bounds the length of a URI, in bytes.
const maxURI = 1024

// The characters that a value may have as they are, besides letters, digits and -._~ (RFC 7512,
// section 2.3: pk11-res-avail, and more of them in the query).
const (
	pathChars  = ":[]@!$'()*+,=&"
	queryChars = ":[]@!$'()*+,=/?|"
)

// ParseURI reads a URI. It fails with [ErrURI], and does not quote the values.
func ParseURI(text string) (u URI, err error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || len(text) > maxURI || !isName(scheme) {
		return u, fmt.Errorf("%w: it does not begin with a scheme, as pkcs11:, or is too long", ErrURI)
	}
	path, query, _ := strings.Cut(rest, "?")
	u.Scheme = strings.ToLower(scheme)
	if u.path, err = parseAttributes(path, ";", pathChars); err != nil {
		return URI{}, err
	}
	if u.query, err = parseAttributes(query, "&", queryChars); err != nil {
		return URI{}, err
	}
	return u, nil
}

func parseAttributes(text, separator, chars string) (list []attribute, err error) {
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, separator) {
		name, encoded, ok := strings.Cut(part, "=")
		if !ok || !isName(name) {
			return nil, fmt.Errorf("%w: an attribute is not name=value", ErrURI)
		}
		value, ok := decode(encoded, chars)
		if !ok {
			return nil, fmt.Errorf("%w: the value of %s has a character that must be percent-encoded", ErrURI, name)
		}
		if slices.ContainsFunc(list, func(a attribute) bool { return a.name == name }) {
			return nil, fmt.Errorf("%w: %s is there twice", ErrURI, name)
		}
		list = append(list, attribute{name, value})
	}
	return list, nil
}

// isName reports whether a text is the name of a scheme or of an attribute.
func isName(text string) bool {
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, func(r rune) bool {
		return !isAlphanumeric(r) && r != '-' && r != '_'
	})
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// decode undoes percent-encoding. It reports whether all other characters are allowed.
func decode(text, chars string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '%':
			if i+2 >= len(text) {
				return "", false
			}
			high, low := unhex(text[i+1]), unhex(text[i+2])
			if high < 0 || low < 0 {
				return "", false
			}
			b.WriteByte(byte(high<<4 | low))
			i += 2
		case isAlphanumeric(rune(c)) || strings.IndexByte("-._~"+chars, c) >= 0:
			b.WriteByte(c)
		default:
			return "", false
		}
	}
	return b.String(), true
}

func unhex(c byte) int {
	if c >= 'A' && c <= 'F' {
		c += 'a' - 'A'
	}
	return strings.IndexByte("0123456789abcdef", c)
}

// encode is the opposite of decode. An id is encoded whole, as RFC 7512 recommends.
func encode(name, value, chars string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		c := value[i]
		if name != "id" && (isAlphanumeric(rune(c)) || strings.IndexByte("-._~"+chars, c) >= 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// String writes the URI. It has no secrets, because none is accepted.
func (u URI) String() string {
	text := u.Scheme + ":" + join(u.path, ";", pathChars)
	if len(u.query) > 0 {
		text += "?" + join(u.query, "&", queryChars)
	}
	return text
}

func join(list []attribute, separator, chars string) string {
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = a.name + "=" + encode(a.name, a.value, chars)
	}
	return strings.Join(parts, separator)
}

// Get returns the value of an attribute that says which key or store it is; empty: none.
func (u URI) Get(name string) string { return valueOf(u.path, name) }

// Query returns the value of an attribute that says how to reach it; empty: none.
func (u URI) Query(name string) string { return valueOf(u.query, name) }

func valueOf(list []attribute, name string) string {
	for _, a := range list {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// Key returns the URI of a key in the store u, or of one key less vaguely: the attributes of u that
// say which store it is, with others added or replaced, by pairs of name and value.
func (u URI) Key(pairs ...string) URI {
	key := URI{Scheme: u.Scheme, path: slices.Clone(u.path)}
	for i := 0; i+1 < len(pairs); i += 2 {
		added := attribute{pairs[i], pairs[i+1]}
		at := slices.IndexFunc(key.path, func(a attribute) bool { return a.name == added.name })
		if at < 0 {
			key.path = append(key.path, added)
		} else {
			key.path[at] = added
		}
	}
	return key
}

// Within reports whether a key is in a store: it has all attributes of it (RFC 7512, section 2.4).
func (u URI) Within(store URI) bool {
	return u.Scheme == store.Scheme && !slices.ContainsFunc(store.path, func(a attribute) bool {
		return !slices.Contains(u.path, a)
	})
}

// Only checks that the URI has no other attributes than these. One that is not understood could
// make it the URI of another key. It fails with [ErrURI].
func (u URI) Only(path, query []string) error {
	for _, a := range u.path {
		if !slices.Contains(path, a.name) {
			return fmt.Errorf("%w: %s: has no attribute %s", ErrURI, u.Scheme, a.name)
		}
	}
	for _, a := range u.query {
		if !slices.Contains(query, a.name) {
			return fmt.Errorf("%w: %s: has no attribute %s after the question mark", ErrURI, u.Scheme, a.name)
		}
	}
	return nil
}
