package wire

import (
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
