package events

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// The bounds of one attempt.
const (
	attemptTimeout = 15 * time.Second
	dialTimeout    = 5 * time.Second
	maxAnswer      = 64 << 10 // octets of an answer that are read, so that the connection can be used again
	maxAnswerHead  = 16 << 10
	idleLife       = 30 * time.Second
)

// SenderSettings are what requests of webhooks are made with.
type SenderSettings struct {
	Allow    []netip.Prefix // networks that are allowed beside the public ones; only these without TLS
	Roots    *x509.CertPool // nil: those of the system
	Resolver *net.Resolver  // nil: that of the system
}

// Sender sends to webhooks. A name is resolved by the dialer, which asks Control about the very
// address that it connects to: no later answer of a name server can lead elsewhere. Redirects are
// not followed, and no proxy is used.
type Sender struct {
	allow         []netip.Prefix
	secure, plain *http.Client
}

// NewSender makes a sender.
func NewSender(set SenderSettings) *Sender {
	plain := func(address netip.Addr) bool { return isIn(set.Allow, address.Unmap().WithZone("")) }
	all := func(address netip.Addr) bool { return mayReach(address, set.Allow) }
	return &Sender{allow: set.Allow, secure: newClient(set, all), plain: newClient(set, plain)}
}

func newClient(set SenderSettings, may func(netip.Addr) bool) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: set.Resolver, Control: guard(may)}
	return &http.Client{
		Timeout:       attemptTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: set.Roots},
			MaxIdleConnsPerHost: maxEach, IdleConnTimeout: idleLife, DisableCompression: true,
			MaxResponseHeaderBytes: maxAnswerHead,
		},
	}
}

// guard refuses to connect to an address.
func guard(may func(netip.Addr) bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !may(to.Addr()) {
			return errAddress
		}
		return nil
	}
}

// CheckURL refuses early what Send would refuse: without TLS, when nothing is allowed, and an
// address in place of a name that is not allowed.
func (s *Sender) CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return domain.Fault(domain.Invalid, "url", domain.ReasonWebhookURL)
	}
	if u.Scheme == "http" && len(s.allow) == 0 {
		return domain.Fault(domain.Invalid, "url", domain.ReasonWebhookPlain)
	}
	address, err := netip.ParseAddr(u.Hostname())
	if err == nil && (!mayReach(address, s.allow) || u.Scheme == "http" && !isIn(s.allow, address.Unmap())) {
		return domain.Fault(domain.Invalid, "url", domain.ReasonWebhookAddress)
	}
	return nil
}

// Attempt is what came of a request.
type Attempt struct {
	Status int                  // of the answer; 0: there was none
	Fault  domain.DeliveryFault // empty: it was delivered
	Took   time.Duration
	After  time.Duration // what the answer asks to wait; 0: nothing
}

// Gone reports whether the endpoint wants nothing any more.
func (a Attempt) Gone() bool { return a.Status == http.StatusGone }

// tell ends the span of the attempt.
func (a Attempt) tell(span spans.Span) {
	span.Answered(http.MethodPost, a.Status)
	if a.Fault != "" {
		span.Failed(string(a.Fault))
	}
	span.End()
}

// Send makes one attempt. An answer other than 2xx is a fault; its body is not kept.
func (s *Sender) Send(ctx context.Context, to string, r request) (a Attempt) {
	began := time.Now()
	answer, err := s.post(ctx, to, r)
	if err == nil {
		a.Status, a.Fault = answer.StatusCode, faultOf(answer.StatusCode)
		a.After = retryAfter(answer.Header.Get("Retry-After"))
		_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
		_ = answer.Body.Close()
	} else {
		a.Fault = failureOf(err)
	}
	a.Took = time.Since(began).Round(time.Millisecond)
	return a
}

func (s *Sender) post(ctx context.Context, to string, r request) (*http.Response, error) {
	asked, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	asked.Header.Set("Content-Type", "application/json")
	asked.Header.Set("User-Agent", "Chaveiro-Webhooks/1")
	asked.Header["webhook-id"] = []string{r.id}
	asked.Header["webhook-timestamp"] = []string{strconv.FormatInt(r.at.Unix(), 10)}
	asked.Header["webhook-signature"] = []string{r.signatures}
	spans.Inject(ctx, asked.Header)
	if asked.URL.Scheme == "https" {
		return s.secure.Do(asked)
	}
	return s.plain.Do(asked)
}

func faultOf(status int) domain.DeliveryFault {
	switch status / 100 {
	case 2:
		return ""
	case 3:
		return domain.FaultRedirect
	}
	return domain.FaultStatus
}

// failureOf tells failures apart as far as an operator has to do something else.
func failureOf(err error) domain.DeliveryFault {
	var wait net.Error
	var name *net.DNSError
	var unknown *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.Is(err, errAddress):
		return domain.FaultAddress
	case errors.As(err, &name):
		return domain.FaultName
	case errors.As(err, &unknown), errors.As(err, &record), errors.As(err, &alert),
		errors.Is(err, http.ErrSchemeMismatch):
		return domain.FaultTLS
	case errors.As(err, &wait) && wait.Timeout():
		return domain.FaultTimeout
	}
	return domain.FaultConnection
}

// retryAfter reads the seconds of the header; a date is ignored.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 1<<20))*time.Second, longestWait)
}
