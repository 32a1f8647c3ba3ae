package ocsp_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// site is a server with a CA and a client.
type site struct {
	*wiretest.Server
	ca, client   int64
	issuer, cert *x509.Certificate
	chain        []byte // the certificate of the client with that of the CA, in PEM
}

func newSite(t *testing.T, change ...func(*wiretest.Settings)) site {
	t.Helper()
	s := site{Server: wiretest.Start(t, change...)}
	authority := Must(s.Services.CAs.Create(s.Operator, domain.CASpec{
		Name: "ca", Subject: domain.Subject{Email: "a@example.com"},
	}))(t)
	client := Must(s.Services.Clients.Create(s.Operator, domain.ClientSpec{
		CAID: authority.ID, Name: "site-rio", Subject: domain.Subject{Email: "rio@example.com"},
	}))(t)
	s.ca, s.client = authority.ID, client.ID
	s.chain = Must(s.Services.Clients.Certificate(s.Operator, client.ID))(t)
	first, rest := pem.Decode(s.chain)
	second, _ := pem.Decode(rest)
	s.cert = Must(x509.ParseCertificate(first.Bytes))(t)
	s.issuer = Must(x509.ParseCertificate(second.Bytes))(t)
	return s
}

func (s site) revoke(t *testing.T) {
	t.Helper()
	Must(s.Services.Clients.Revoke(s.Operator, s.client, domain.RevocationSpec{Reason: domain.KeyCompromise}))(t)
}

// request is one about the client.
func (s site) request(t *testing.T) []byte { t.Helper(); return s.requestOf(t, s.cert) }

func (s site) requestOf(t *testing.T, cert *x509.Certificate) []byte {
	t.Helper()
	return Must(xocsp.CreateRequest(cert, s.issuer, nil))(t)
}

// send sends a request and returns the answer with its body. A body of nil is GET.
func (s site) send(t *testing.T, method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	t.Helper()
	request := Must(http.NewRequestWithContext(t.Context(), method, s.URL+path, body))(t)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer := Must(s.HTTP.Do(request))(t)
	defer answer.Body.Close()
	return answer, Must(io.ReadAll(answer.Body))(t)
}

const requestType = "application/ocsp-request"

func (s site) post(t *testing.T, der []byte) (*http.Response, []byte) {
	t.Helper()
	return s.send(t, http.MethodPost, "/ocsp/1", bytes.NewReader(der), "Content-Type", requestType)
}

// want checks the status that an answer has of the client.
func (s site) want(t *testing.T, answer *http.Response, body []byte, status int) {
	t.Helper()
	WantSame(t, answer.StatusCode, 200)
	WantSame(t, answer.Header.Get("Content-Type"), "application/ocsp-response")
	got, err := xocsp.ParseResponseForCert(body, s.cert, s.issuer)
	if err != nil || got.Status != status {
		t.Errorf("the answer is %+v, %v, want status %d", got, err, status)
	}
}

// TestPost: a revocation counts from its commit on.
func TestPost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answer, body := s.post(t, s.request(t))
	s.want(t, answer, body, xocsp.Good)
	WantSame(t, answer.Header.Get("Cache-Control"), "no-store")
	s.revoke(t)
	answer, body = s.post(t, s.request(t))
	s.want(t, answer, body, xocsp.Revoked)
	answer, body = s.send(
		t, http.MethodPost, "/ocsp/1/", bytes.NewReader(s.request(t)), "Content-Type", requestType+"; charset=utf-8",
	)
	s.want(t, answer, body, xocsp.Revoked)
	answer, _ = s.send(t, http.MethodPost, "/ocsp/1", bytes.NewReader(s.request(t)), "Content-Type", "text/plain")
	WantSame(t, answer.StatusCode, 415)
}

// TestGet: the request is found in the path however clients and proxies write it.
func TestGet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	slashes := s.requestWith(t, "//", "+")
	for name, der := range map[string][]byte{"slashes": slashes, "plain": s.request(t)} {
		text := base64.StdEncoding.EncodeToString(der)
		for way, path := range map[string]string{
			"as it is": text, "escaped": url.QueryEscape(text), "escaped in part": url.PathEscape(text),
			"escaped twice": url.QueryEscape(url.QueryEscape(text)), "with spaces": strings.ReplaceAll(text, "+", "%20"),
			"without padding": strings.TrimRight(text, "="), "for URLs": base64.URLEncoding.EncodeToString(der),
			"for URLs, without padding": base64.RawURLEncoding.EncodeToString(der),
			"lower case escapes":        strings.ReplaceAll(text, "/", "%2f"),
		} {
			answer, body := s.send(t, http.MethodGet, "/ocsp/1/"+path, nil)
			WantSame(t, answer.StatusCode, 200)
			if got, err := xocsp.ParseResponse(body, s.issuer); err != nil {
				t.Errorf("%s, %s: %+v, %v", name, way, got, err)
			}
		}
	}
}

// requestWith finds a request whose base64 has the parts.
func (s site) requestWith(t *testing.T, parts ...string) []byte {
	t.Helper()
	for n := int64(1); n < 1<<20; n++ {
		serial := new(big.Int).Lsh(big.NewInt(n*0xffff), 20)
		der := s.requestOf(t, &x509.Certificate{SerialNumber: serial.Or(serial, big.NewInt(0xfffff))})
		text, has := base64.StdEncoding.EncodeToString(der), true
		for _, part := range parts {
			has = has && strings.Contains(text, part)
		}
		if has {
			return der
		}
	}
	t.Fatal("no request has these parts")
	return nil
}

// TestGet_Caches: an answer may be kept and asked for again, and is never used without asking.
func TestGet_Caches(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := "/ocsp/1/" + url.PathEscape(base64.StdEncoding.EncodeToString(s.request(t)))
	answer, body := s.send(t, http.MethodGet, path, nil)
	s.want(t, answer, body, xocsp.Good)
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=0, must-revalidate, no-transform", "Expires": answer.Header.Get("Last-Modified"),
	} {
		WantSame(t, answer.Header.Get(name), want)
	}
	tag := answer.Header.Get("ETag")
	head, _ := s.send(t, http.MethodHead, path, nil)
	WantSame(t, head.Header.Get("ETag"), tag)
	WantSame(t, head.ContentLength, int64(len(body)))
	for _, condition := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		same, rest := s.send(t, http.MethodGet, path, nil, "If-None-Match", condition)
		if same.StatusCode != 304 || len(rest) > 0 || same.Header.Get("ETag") != tag {
			t.Errorf("%s: %d, %d octets", condition, same.StatusCode, len(rest))
		}
	}
	s.revoke(t)
	answer, body = s.send(t, http.MethodGet, path, nil, "If-None-Match", tag)
	s.want(t, answer, body, xocsp.Revoked)
	nonce := base64.RawURLEncoding.EncodeToString(withNonce(t, s.request(t)))
	answer, body = s.send(t, http.MethodGet, "/ocsp/1/"+nonce, nil)
	s.want(t, answer, body, xocsp.Revoked)
	for _, other := range []string{"1/" + nonce, "1/aGVsbG8=", "9" + strings.TrimPrefix(path, "/ocsp/1")} {
		answer, _ := s.send(t, http.MethodGet, "/ocsp/"+other, nil)
		WantSame(t, answer.Header.Get("Cache-Control"), "no-store")
		WantSame(t, answer.StatusCode, 200)
	}
}

// withNonce adds a nonce to a request.
func withNonce(t *testing.T, der []byte) []byte {
	t.Helper()
	var request struct {
		Signed struct {
			List       asn1.RawValue
			Extensions []pkix.Extension `asn1:"optional,explicit,tag:2"`
		}
	}
	Must(asn1.Unmarshal(der, &request))(t)
	request.Signed.Extensions = []pkix.Extension{{
		Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Value: append([]byte{4, 16}, make([]byte, 16)...),
	}}
	return Must(asn1.Marshal(request))(t)
}

// TestURL: certificates of clients and servers name the responder of their CA below the external
// URL, without what is secret in that; without one, or with one that a certificate can't have, they
// name none.
func TestURL(t *testing.T) {
	t.Parallel()
	for external, want := range map[string]string{
		"": "", "https://vpn.exâmple.com": "", "https://vpn.example.com": "https://vpn.example.com/ocsp/1",
		"http://user:secret@vpn.example.com:8080/base/?a=b#c": "http://vpn.example.com:8080/base/ocsp/1",
	} {
		s := newSite(t, func(set *wiretest.Settings) { set.Config.ExternalURL = app.URL(external) })
		server := Must(s.Services.Certificates.CreateServer(s.Operator, domain.ServerSpec{CAID: s.ca, Name: "vpn"}))(t)
		block, _ := pem.Decode(Must(s.Services.Certificates.PEM(s.Operator, server.ID))(t))
		for _, cert := range []*x509.Certificate{s.cert, Must(x509.ParseCertificate(block.Bytes))(t)} {
			WantSame(t, strings.Join(cert.OCSPServer, " "), want)
		}
	}
}

// TestErrors: what is no request, and what is asked of the wrong CA, is answered as OCSP says, and
// counted.
func TestErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, bodies := range map[string]map[string]string{
		"/ocsp/1": {"": "\x01", "hello": "\x01", strings.Repeat("x", 70000): "\x01"}, "/ocsp/2": {string(s.request(t)): "\x06"},
		"/ocsp/x": {string(s.request(t)): "\x06"}, "/ocsp/99999999999999999999": {string(s.request(t)): "\x06"},
	} {
		for body, status := range bodies {
			answer, got := s.send(t, http.MethodPost, path, strings.NewReader(body), "Content-Type", requestType)
			if answer.StatusCode != 200 || string(got) != "\x30\x03\x0a\x01"+status {
				t.Errorf("%s, %d octets: %d %x", path, len(body), answer.StatusCode, got)
			}
		}
	}
	s.post(t, s.request(t))
	_, metrics := s.send(t, http.MethodGet, "/metrics", nil)
	for _, line := range []string{`{ca="",status="malformed"} 3`, `{ca="",status="unauthorized"} 3`, `{ca="1",status="good"} 1`} {
		if !strings.Contains(string(metrics), "chaveiro_ocsp_requests_total"+line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
}
