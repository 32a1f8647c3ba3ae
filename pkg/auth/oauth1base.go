package auth

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// addresses returns the base string URIs (RFC 5849, section 3.4.1.2) to try. Some clients
// lower-case the path as well.
func (o *OAuth1) addresses() []string {
	var list []string
	for _, text := range o.request.URLs {
		address, ok := baseURI(text)
		for _, one := range []string{address, strings.ToLower(address)} {
			if ok && !slices.Contains(list, one) {
				list = append(list, one)
			}
		}
	}
	return list
}

// baseURI lower-cases scheme and host, and drops the default port of the scheme.
func baseURI(text string) (string, bool) {
	scheme, rest, found := strings.Cut(text, "://")
	host, path, _ := strings.Cut(rest, "/")
	if !found || host == "" {
		return "", false
	}
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	if port := map[string]string{"http": ":80", "https": ":443"}[scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return scheme + "://" + host + "/" + path, true
}

// baseString is the text that is signed (RFC 5849, section 3.4.1.1).
func (o *OAuth1) baseString(address, parameters string) string {
	return strings.ToUpper(o.request.Method) + "&" + encode(address) + "&" + encode(parameters)
}

// normalized returns the part of the base string with the parameters (RFC 5849, section 3.4.1.3.2).
func (o *OAuth1) normalized() string { return normalized(o.parameters) }

func normalized(parameters []parameter) string {
	pairs := make([][2]string, len(parameters))
	for i, p := range parameters {
		pairs[i] = [2]string{encode(p.name), encode(p.value)}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if order := strings.Compare(a[0], b[0]); order != 0 {
			return order
		}
		return strings.Compare(a[1], b[1])
	})
	texts := make([]string, len(pairs))
	for i, pair := range pairs {
		texts[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(texts, "&")
}

// collect reads all parameters (RFC 5849, section 3.4.1.3.1).
func collect(r OAuth1Request) ([]parameter, error) {
	all, err := headerParameters(r.Authorization)
	if err != nil {
		return nil, err
	}
	for _, text := range []string{r.Query, r.Form} {
		if all, err = formParameters(all, text); err != nil {
			return nil, err
		}
	}
	if len(all) > maxParameters {
		return nil, notValid(domain.PartCredentials, "too many parameters")
	}
	return all, nil
}

func formParameters(all []parameter, text string) ([]parameter, error) {
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if err := errors.Join(nameErr, valueErr); err != nil {
			return nil, notValid(domain.PartCredentials, "escaping")
		}
		all = append(all, parameter{name, value})
	}
	return all, nil
}

// encode escapes as RFC 5849, section 3.6, requires: everything but letters, digits, - . _ and ~.
func encode(text string) string {
	const hexDigits = "0123456789ABCDEF"
	var out strings.Builder
	for _, b := range []byte(text) {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '.', b == '_', b == '~':
			out.WriteByte(b)
		default:
			out.WriteByte('%')
			out.WriteByte(hexDigits[b>>4])
			out.WriteByte(hexDigits[b&15])
		}
	}
	return out.String()
}
