package chaveiro

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says where the server is, who calls, and how. The zero value takes the address and the
// apikey from the environment.
type Config struct {
	// URL is the address of the server, as https://chaveiro.example.com. Empty: CHAVEIRO_URL.
	URL string
	// Auth authenticates the calls of all groups but Vault. Nil: the APIKey in CHAVEIRO_TOKEN; if
	// that is empty too, only calls that need no credential succeed.
	Auth Authenticator
	// VaultAuth authenticates the calls of Vault: ClientCredentials or OAuth1.
	VaultAuth Authenticator

	// Language is that of the messages in errors: "pt-BR" or "en". Empty: the server's choice.
	Language string
	// UserAgent is sent with every request. Empty: the name of this SDK.
	UserAgent string
	// Proxy is the URL of a proxy. Empty: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.
	Proxy string
	// CABundle has the certificates, in PEM, that the server's may be signed with. Empty: those of
	// the system.
	CABundle []byte
	// Transport sends the requests, instead of one that Proxy, CABundle and ConnectTimeout shape.
	Transport http.RoundTripper

	// ConnectTimeout is how long a connection may take to be there. 0: 10 seconds.
	ConnectTimeout time.Duration
	// Timeout is how long a call may take with all its tries; reading a File is not counted. 0: a
	// minute.
	Timeout time.Duration
	// Retries is how often a call is tried again. 0: 2; NoRetries: never.
	Retries int

	// Headers adds headers to each request, as traceparent of the span in the context. Those of a
	// call's own options go before. Nil: none.
	Headers func(context.Context, http.Header)

	// Before and After are called around each request, by the goroutine of the call. Events have no
	// secret, no body and no value of a query.
	Before, After func(context.Context, Event)
}

// NoRetries is the value of Config.Retries with which every request is sent once.
const NoRetries = -1

// The defaults of Config.
const (
	defaultConnectTimeout = 10 * time.Second
	defaultTimeout        = time.Minute
	defaultRetries        = 2
	defaultUserAgent      = "chaveiro-go"
)

// Event is one request, for logs and traces.
type Event struct {
	Operation string // operationId, as createCa
	Method    string
	Path      string // with {id} instead of an id
	Attempt   int    // from 1

	// These are set after the request only.
	Status    int // 0: no answer
	Duration  time.Duration
	RequestID string // X-Request-Id of the answer
	Err       error  // why there is no answer
}

// client sends requests.
type client struct {
	config      Config
	base        *url.URL
	http        *http.Client
	auth, vault signer
	now         func() time.Time
	wait        func(context.Context, time.Duration) error
	random      func() float64 // from 0 to 1
}

// newClient checks a configuration and completes it.
func newClient(config Config) (*client, error) {
	if config.URL == "" {
		config.URL = os.Getenv("CHAVEIRO_URL")
	}
	if token := os.Getenv("CHAVEIRO_TOKEN"); config.Auth == nil && token != "" {
		config.Auth = APIKey(token)
	}
	base, err := url.Parse(strings.TrimRight(config.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("chaveiro: the URL of the server must be an http or https address")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("chaveiro: the URL of the server must have neither a user nor a query")
	}
	config.complete()
	if config.Transport == nil {
		if config.Transport, err = config.transport(); err != nil {
			return nil, err
		}
	}
	c := &client{config: config, base: base, now: time.Now, wait: sleep, random: rand.Float64}
	// A redirect would carry the credential elsewhere: it is answered as it is.
	c.http = &http.Client{
		Transport:     config.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if config.Auth != nil {
		c.auth = config.Auth.signer(c)
	}
	if config.VaultAuth != nil {
		c.vault = config.VaultAuth.signer(c)
	}
	return c, nil
}

// complete sets the defaults.
func (c *Config) complete() {
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultConnectTimeout
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Retries == 0 {
		c.Retries = defaultRetries
	}
	if c.UserAgent == "" {
		c.UserAgent = defaultUserAgent
	}
}

// transport returns a transport of the settings.
func (c *Config) transport() (http.RoundTripper, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: c.ConnectTimeout}).DialContext
	transport.TLSHandshakeTimeout = c.ConnectTimeout
	transport.MaxIdleConnsPerHost = transport.MaxIdleConns
	if c.Proxy != "" {
		proxy, err := url.Parse(c.Proxy)
		if err != nil || proxy.Host == "" {
			return nil, errors.New("chaveiro: the proxy must be a URL")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	if len(c.CABundle) > 0 {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(c.CABundle) {
			return nil, errors.New("chaveiro: there is no certificate in the CA bundle")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return transport, nil
}

// sleep waits, and ends early with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("chaveiro: waiting for the next try: %w", context.Cause(ctx))
	}
}
