package transit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// address is what the URI of a store says.
type address struct {
	uri       kms.URI
	mount     string
	url       string
	token     string // the path of the file with the token
	authority string // the path of a PEM file of CAs; empty: those of the system
	namespace string
}

// readAddress reads the URI of a store. Errors: [kms.ErrURI].
func readAddress(uri kms.URI) (a address, err error) {
	err = uri.Only([]string{"mount"}, []string{"address", "token-source", "ca-file", "namespace"})
	if err != nil {
		return a, err
	}
	a = address{
		uri: uri.Key("mount", cmp.Or(uri.Get("mount"), "transit")), url: uri.Query("address"),
		token: pathOf(uri.Query("token-source")), authority: pathOf(uri.Query("ca-file")),
		namespace: uri.Query("namespace"),
	}
	a.mount = strings.Trim(a.uri.Get("mount"), "/")
	u, err := url.Parse(a.url)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return a, fmt.Errorf("%w: address is https://host:port; http:// is for this machine only", kms.ErrURI)
	}
	if !filepath.IsAbs(a.token) || a.authority != "" && !filepath.IsAbs(a.authority) {
		return a, fmt.Errorf("%w: token-source and ca-file are file: and the absolute path of a file", kms.ErrURI)
	}
	return a, nil
}

func pathOf(source string) string {
	return strings.TrimPrefix(strings.TrimPrefix(source, "file:"), "//")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// maxToken bounds the file of a token.
const maxToken = 8 << 10

// readToken reads the file of the token, which an agent of OpenBao may write anew at any time.
func (a address) readToken() (string, error) {
	text, err := os.ReadFile(a.token)
	if err != nil {
		return "", fmt.Errorf("%w: the token can't be read: %w", kms.ErrAway, errors.Unwrap(err))
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 || len(text) > maxToken || bytes.ContainsAny(text, " \r\n\t") {
		return "", fmt.Errorf("%w: the file of the token is empty, or holds something else", kms.ErrAway)
	}
	return string(text), nil
}

// keyName is what Transit allows as the name of a key.
var keyName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

// readKey returns the name and the version of a key; 0 is the newest one. Errors: [kms.ErrURI].
func (a address) readKey(key kms.URI) (name string, version int, err error) {
	if err := key.Only([]string{"mount", "name", "version"}, nil); err != nil {
		return "", 0, err
	}
	name = key.Get("name")
	if !keyName.MatchString(name) {
		return "", 0, fmt.Errorf("%w: it has no name of a key", kms.ErrURI)
	}
	if text := key.Get("version"); text != "" {
		number, err := strconv.ParseUint(text, 10, 31)
		if err != nil || number == 0 {
			return "", 0, fmt.Errorf("%w: version is no number from 1", kms.ErrURI)
		}
		version = int(number)
	}
	return name, version, nil
}
