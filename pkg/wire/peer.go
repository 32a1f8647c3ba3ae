package wire

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// ipExtractor finds the client's address: the peer's, or what trusted proxies say in X-Forwarded-For.
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

// secureFunc tells whether the client came over https: to this server, to a trusted proxy that says so, or to the configured external
// URL.
func secureFunc(config Config) func(echo.Context) bool {
	external := strings.HasPrefix(config.ExternalURL, "https://")
	return func(c echo.Context) bool {
		r := c.Request()
		return external || r.TLS != nil || r.Header.Get(echo.HeaderXForwardedProto) == "https" && fromTrusted(r, config.TrustedProxies)
	}
}

// certificateFunc returns the certificate that a client has proved to have the key of, in DER: to this server, or to a trusted proxy that hands it on in
// the header Client-Cert (RFC 9440).
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

// byteSequence reads what structured fields call so (RFC 9651, 3.3.5); nil when it is none.
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
