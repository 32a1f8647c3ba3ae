package wire

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/labstack/echo/v4"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}

func TestIPExtractor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trusted   []netip.Prefix
		peer      string
		forwarded []string
		realIP    string
		want      string
	}{
		"nobody is trusted":                   {nil, "10.1.1.1:5", []string{"192.0.2.7"}, "", "10.1.1.1"},
		"nobody is trusted, loopback neither": {nil, "127.0.0.1:5", []string{"192.0.2.7"}, "192.0.2.8", "127.0.0.1"},
		"a trusted proxy":                     {proxies, "10.1.1.1:5", []string{"192.0.2.7"}, "", "192.0.2.7"},
		"a trusted proxy, IPv6":               {proxies, "[2001:db8::1]:5", []string{"192.0.2.7"}, "", "192.0.2.7"},
		"two proxies": {
			proxies, "10.1.1.1:5", []string{"192.0.2.7, 10.2.2.2"}, "", "192.0.2.7",
		},
		"what the client said before": {
			proxies, "10.1.1.1:5", []string{"192.0.2.66", "192.0.2.7"}, "", "192.0.2.7",
		},
		"a private peer that is no proxy":  {proxies, "192.168.0.1:5", []string{"192.0.2.7"}, "", "192.168.0.1"},
		"a loopback peer that is no proxy": {proxies, "127.0.0.1:5", []string{"192.0.2.7"}, "", "127.0.0.1"},
		"a public peer":                    {proxies, "203.0.113.9:5", []string{"192.0.2.7"}, "", "203.0.113.9"},
		"no address":                       {proxies, "10.1.1.1:5", []string{"<script>"}, "", "10.1.1.1"},
		"another header":                   {proxies, "10.1.1.1:5", nil, "192.0.2.7", "10.1.1.1"},
	} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.RemoteAddr = test.peer
		request.Header["X-Forwarded-For"] = test.forwarded
		if test.realIP != "" {
			request.Header.Set("X-Real-Ip", test.realIP)
		}
		if got := ipExtractor(test.trusted)(request); got != test.want {
			t.Errorf("%s: %s, not %s", name, got, test.want)
		}
	}
}

func TestSecureFunc(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config Config
		peer   string
		proto  string
		tls    bool
		want   bool
	}{
		"http":                {Config{}, "192.0.2.1:5", "", false, false},
		"https":               {Config{}, "192.0.2.1:5", "", true, true},
		"anybody says https":  {Config{}, "192.0.2.1:5", "https", false, false},
		"no proxy says https": {Config{TrustedProxies: proxies}, "192.0.2.1:5", "https", false, false},
		"a proxy says https":  {Config{TrustedProxies: proxies}, "10.0.0.1:5", "https", false, true},
		"a proxy, IPv4 in IPv6": {
			Config{TrustedProxies: proxies}, "[::ffff:10.0.0.1]:5", "https", false, true,
		},
		"a proxy says http":              {Config{TrustedProxies: proxies}, "10.0.0.1:5", "http", false, false},
		"a proxy says http, it came TLS": {Config{TrustedProxies: proxies}, "10.0.0.1:5", "http", true, true},
		"a peer without address":         {Config{TrustedProxies: proxies}, "@", "https", false, false},
		"the external URL": {
			Config{ExternalURL: "https://vpn.example.com"}, "192.0.2.1:5", "", false, true,
		},
		"the external URL is not external": {
			Config{ExternalURL: "http://vpn.example.com"}, "192.0.2.1:5", "", false, false,
		},
	} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.RemoteAddr = test.peer
		request.Header.Set("X-Forwarded-Proto", test.proto)
		if test.tls {
			request.TLS = &tls.ConnectionState{}
		}
		if got := secureFunc(test.config)(echo.New().NewContext(request, nil)); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Whether the client's connection was TLS is known from this connection or from a trusted proxy,
// and from nothing else.
func TestTLSFunc(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config Config
		peer   string
		proto  []string
		tls    bool
		want   bool
	}{
		"http":               {Config{}, "192.0.2.1:5", nil, false, false},
		"https":              {Config{}, "192.0.2.1:5", nil, true, true},
		"anybody says https": {Config{}, "192.0.2.1:5", []string{"https"}, false, false},
		"anybody says http":  {Config{}, "192.0.2.1:5", []string{"http"}, true, true},
		"no proxy says https": {
			Config{TrustedProxies: proxies}, "192.0.2.1:5", []string{"https"}, false, false,
		},
		"a proxy says https": {
			Config{TrustedProxies: proxies}, "10.0.0.1:5", []string{"https"}, false, true,
		},
		"a proxy says HTTPS": {
			Config{TrustedProxies: proxies}, "10.0.0.1:5", []string{"HTTPS"}, false, true,
		},
		"a proxy says nothing": {Config{TrustedProxies: proxies}, "10.0.0.1:5", nil, false, false},
		"a proxy says http, over TLS": {
			Config{TrustedProxies: proxies}, "10.0.0.1:5", []string{"http"}, true, false,
		},
		"a proxy says two things": {
			Config{TrustedProxies: proxies}, "10.0.0.1:5", []string{"https", "http"}, false, false,
		},
		"a proxy says two things in one": {
			Config{TrustedProxies: proxies}, "10.0.0.1:5", []string{"http,https"}, false, false,
		},
		"the external URL says https": {
			Config{ExternalURL: "https://vpn.example.com"}, "192.0.2.1:5", nil, false, false,
		},
		"the external URL, and a proxy": {
			Config{ExternalURL: "https://a.example", TrustedProxies: proxies}, "10.0.0.1:5", []string{"http"}, false,
			false,
		},
	} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.RemoteAddr = test.peer
		request.Header["X-Forwarded-Proto"] = test.proto
		if test.tls {
			request.TLS = &tls.ConnectionState{}
		}
		if got := tlsFunc(test.config)(echo.New().NewContext(request, nil)); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
