package awskms

import (
	"fmt"
	"net"
	"net/url"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// address is what the URI of a store says.
type address struct {
	uri      kms.URI
	region   string
	endpoint string // empty: that of AWS for the region
	profile  string // of the files of the credentials; empty: the default
}

// readAddress reads the URI of a store. Errors: [kms.ErrURI].
func readAddress(uri kms.URI) (a address, err error) {
	if err := uri.Only([]string{"region"}, []string{"endpoint", "profile"}); err != nil {
		return a, err
	}
	a = address{uri, uri.Get("region"), uri.Query("endpoint"), uri.Query("profile")}
	if a.region == "" {
		return a, fmt.Errorf("%w: it has no region, as awskms:region=eu-west-1", kms.ErrURI)
	}
	u, err := url.Parse(a.endpoint)
	if a.endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !local(u)) {
		return a, fmt.Errorf("%w: endpoint is https://host:port; http:// is for this machine only", kms.ErrURI)
	}
	return a, nil
}

func local(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// readKey returns the id of a key. Errors: [kms.ErrURI].
func (a address) readKey(key kms.URI) (string, error) {
	if err := key.Only([]string{"region", "key-id"}, nil); err != nil {
		return "", err
	}
	id := key.Get("key-id")
	if id == "" {
		return "", fmt.Errorf("%w: it has no key-id", kms.ErrURI)
	}
	return id, nil
}
