package wire

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// ipExtractor finds the client's address: the peer's, or what trusted proxies say in
// X-Forwarded-For.
func ipExtractor(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range trusted {
		_, network, err := net.ParseCIDR(prefix.String())
		if err == nil {
			options = append(options, echo.TrustIPRange(network))
		}
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// secureFunc tells whether cookies are for https only: if the client came over https, or if the
// configured external URL says that clients do.
func secureFunc(config Config) func(echo.Context) bool {
	external, overTLS := strings.HasPrefix(config.ExternalURL, "https://"), tlsFunc(config)
	return func(c echo.Context) bool { return external || c.Request().TLS != nil || overTLS(c) }
}

// tlsFunc tells whether the client's connection was TLS: the connection to this server, or, if that
// one is from a trusted proxy which reports the scheme, the connection to the proxy. The external
// URL proves nothing about a connection.
func tlsFunc(config Config) func(echo.Context) bool {
	return func(c echo.Context) bool {
		r := c.Request()
		said := r.Header.Values(echo.HeaderXForwardedProto)
		if len(said) == 0 || !fromTrusted(r, config.TrustedProxies) {
			return r.TLS != nil
		}
		for _, scheme := range strings.Split(strings.Join(said, ","), ",") { // every hop in the header
			if !strings.EqualFold(strings.TrimSpace(scheme), "https") {
				return false
			}
		}
		return true
	}
}

// certificateFunc returns, in DER, the certificate whose key the client has proved to hold: to this
// server, or to a trusted proxy that passes the certificate on in the header Client-Cert (RFC
// 9440).
func certificateFunc(config Config) func(echo.Context) []byte {
	return func(c echo.Context) []byte {
		r := c.Request()
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			return r.TLS.PeerCertificates[0].Raw
		}
		values := r.Header.Values("Client-Cert")
		if len(values) != 1 || !fromTrusted(r, config.TrustedProxies) {
			return nil
		}
		return byteSequence(values[0])
	}
}

// byteSequence decodes a byte sequence of structured fields (RFC 9651, section 3.3.5). It returns
// nil if value is not one.
func byteSequence(value string) []byte {
	value, begins := strings.CutPrefix(strings.TrimSpace(value), ":")
	value, ends := strings.CutSuffix(value, ":")
	octets, err := base64.StdEncoding.DecodeString(value)
	if !begins || !ends || err != nil || len(octets) == 0 {
		return nil
	}
	return octets
}

func fromTrusted(r *http.Request, trusted []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, prefix := range trusted {
		if prefix.Contains(peer.Addr().Unmap()) {
			return true
		}
	}
	return false
}
