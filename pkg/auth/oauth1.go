package auth

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The signature methods of OAuth 1.0 (RFC 5849, section 3.4). HMAC-SHA256 is a common extension.
const (
	HMACSHA1   = "HMAC-SHA1"
	HMACSHA256 = "HMAC-SHA256"
	Plaintext  = "PLAINTEXT"
)

// ErrOAuth1 says that the OAuth 1.0 parameters of a request can't be read as such.
var ErrOAuth1 = errors.New("auth: OAuth 1.0 parameters not valid")

const (
	maxParameters = 256 // most parameters that are sorted for a signature
	timestampBits = 37  // seconds until the year 6325
)

// OAuth1Request is what a signature of RFC 5849 covers.
type OAuth1Request struct {
	Method string
	// URLs are the candidates for the URL that the client has signed: scheme, host and path,
	// without query. A signature over any of them is valid.
	URLs          []string
	Query         string // as received
	Authorization string // the header
	Form          string // the body as received, if its content type is application/x-www-form-urlencoded
}

// OAuth1 are the OAuth 1.0 parameters of a request.
type OAuth1 struct {
	ConsumerKey, Token, Method, Nonce string
	Timestamp                         time.Time
	// Unsigned is set when there is no signature, or a dash in its place: then key and token are
	// the whole credential.
	Unsigned bool

	signature  string
	request    OAuth1Request
	parameters []parameter // that the signature covers
}

type parameter struct{ name, value string }

// ParseOAuth1 reads the parameters from the header, the query and the form together, and refuses an
// OAuth parameter that occurs twice. It does not verify the signature. Errors: ErrOAuth1.
func ParseOAuth1(r OAuth1Request) (*OAuth1, error) {
	if !readsAsForm(r.Form) {
		r.Form = ""
	}
	all, err := collect(r)
	if err != nil {
		return nil, err
	}
	protocol := map[string]string{}
	o := &OAuth1{request: r}
	for _, p := range all {
		if strings.HasPrefix(p.name, "oauth_") {
			if _, twice := protocol[p.name]; twice {
				return nil, notValid(domain.PartCredentials, printable(p.name)+" is there twice")
			}
			protocol[p.name] = p.value
		}
		if p.name != "oauth_signature" {
			o.parameters = append(o.parameters, p)
		}
	}
	return o, o.read(protocol)
}

// HasOAuth1 reports whether a request has any OAuth 1.0 parameters.
func HasOAuth1(r OAuth1Request) bool {
	return hasScheme(r.Authorization) || ListsOAuth1(r.Query) || ListsOAuth1(r.Form)
}

// ListsOAuth1 reports whether a query or a form has OAuth 1.0 parameters that are, or are meant to
// be, a credential.
func ListsOAuth1(text string) bool {
	for pair := range strings.SplitSeq(text, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if strings.ContainsAny(name, "%+") {
			name, _ = url.QueryUnescape(name)
		}
		if name == "oauth_consumer_key" || name == "oauth_token" || name == "oauth_signature" {
			return true
		}
	}
	return false
}

// readsAsForm reports whether a body with the content type of a form can be read as one. A body
// that can't is not treated as a form, and the signature does not cover it. Clients that send JSON
// with the content type of a form do not sign it either.
func readsAsForm(text string) bool {
	if begin := strings.TrimLeft(text, " \t\r\n"); begin != "" && (begin[0] == '{' || begin[0] == '[') {
		return false
	}
	_, err := formParameters(nil, text)
	return err == nil
}

func (o *OAuth1) read(protocol map[string]string) error {
	o.ConsumerKey, o.Token, o.Method = protocol["oauth_consumer_key"], protocol["oauth_token"],
		protocol["oauth_signature_method"]
	o.Nonce, o.signature = protocol["oauth_nonce"], protocol["oauth_signature"]
	if o.ConsumerKey == "" || o.Token == "" {
		return notValid(missingPart(o), "consumer key or token missing")
	}
	if version, ok := protocol["oauth_version"]; ok && version != "1.0" {
		return notValid(domain.PartVersion, "version")
	}
	if o.Unsigned = o.Method == "" && (o.signature == "" || o.signature == "-"); o.Unsigned {
		return nil
	}
	switch o.Method {
	case Plaintext:
		return nil
	case HMACSHA1, HMACSHA256:
	default:
		return notValid(domain.PartMethod, "signature method")
	}
	seconds, err := strconv.ParseUint(protocol["oauth_timestamp"], 10, timestampBits)
	if err != nil || seconds == 0 {
		return notValid(domain.PartTimestamp, "timestamp")
	}
	o.Timestamp = time.Unix(int64(seconds), 0).UTC()
	if o.Nonce == "" || len(o.Nonce) > domain.MaxName || strings.ContainsFunc(o.Nonce, unstorable) {
		return notValid(domain.PartNonce, "nonce")
	}
	return nil
}

// unstorable reports whether a database can't store a character: control characters, and the
// replacement for octets that are no character.
func unstorable(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }

// Verify reports whether the signature was made with the two secrets. It compares in constant time.
// It is false for an unsigned request.
func (o *OAuth1) Verify(consumerSecret, tokenSecret domain.Secret) bool {
	if o.Unsigned {
		return false
	}
	key := encode(string(consumerSecret)) + "&" + encode(string(tokenSecret))
	if o.Method == Plaintext {
		return subtle.ConstantTimeCompare([]byte(o.signature), []byte(key)) == 1
	}
	signature, err := base64.StdEncoding.DecodeString(o.signature)
	if err != nil {
		return false
	}
	good, parameters := 0, o.normalized()
	for _, address := range o.addresses() {
		mac := hmac.New(o.hash(), []byte(key))
		_, _ = mac.Write([]byte(o.baseString(address, parameters)))
		good |= subtle.ConstantTimeCompare(signature, mac.Sum(nil))
	}
	return good == 1
}

func (o *OAuth1) hash() func() hash.Hash {
	if o.Method == HMACSHA256 {
		return sha256.New
	}
	return sha1.New
}

const scheme = "oauth "

func hasScheme(header string) bool {
	return len(header) >= len(scheme) && strings.EqualFold(header[:len(scheme)], scheme)
}

// headerParameters reads an Authorization header (RFC 5849, section 3.5.1). It accepts the
// deviations of known clients: the scheme twice, no space after a comma, a space after an equals
// sign, values that are not escaped, empty fields.
func headerParameters(header string) ([]parameter, error) {
	if !hasScheme(header) {
		return nil, nil
	}
	for hasScheme(header) {
		header = strings.TrimLeft(header[len(scheme):], " ")
	}
	var all []parameter
	for rest := strings.Trim(header, separators); rest != ""; {
		name, quoted, _ := strings.Cut(rest, "=")
		quoted, opened := strings.CutPrefix(strings.TrimLeft(quoted, " \t"), `"`)
		value, behind, closed := strings.Cut(quoted, `"`)
		if rest = strings.TrimLeft(behind, " \t"); !opened || !closed || rest != "" && rest[0] != ',' {
			return nil, notValid(domain.PartCredentials, "the header is not a list of name=\"value\"")
		}
		rest = strings.TrimLeft(rest, separators)
		value, err := url.PathUnescape(value)
		if err != nil {
			return nil, notValid(domain.PartCredentials, "escaping")
		}
		if name = strings.TrimSpace(name); !strings.EqualFold(name, "realm") {
			all = append(all, parameter{name, value})
		}
	}
	return all, nil
}

// separators may stand between the fields of a header.
const separators = ", \t"
