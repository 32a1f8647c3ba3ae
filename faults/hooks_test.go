package main

import (
	"strings"
	"testing"
)

// TestHooks: what arrives twice is counted once; what arrives out of order, or as something else,
// is found.
func TestHooks(t *testing.T) {
	t.Parallel()
	c := &campaign{findings: newFindings()}
	h, err := newHooks(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.server.Close() })
	site := func(kind string) event { return event{kind, "openvpn.clients", 7} }
	h.take(3, site("certificate.issued"), []string{"aa"})
	h.take(5, event{"ca.created", "openvpn.cas", 1}, nil)
	h.take(4, site("certificate.revoked"), []string{"aa"})
	h.take(3, site("certificate.issued"), []string{"aa"})
	if err := c.findings.first(); err != nil {
		t.Fatal(err)
	}
	if h.told["certificate.issued aa"] != 1 || h.told["certificate.issued 7"] != 1 || len(h.missing([]int64{3, 4, 5, 6})) != 1 {
		t.Errorf("%v", h.told)
	}
	if !h.take(losing, event{"x", "y", 0}, nil) || h.take(losing, event{"x", "y", 0}, nil) {
		t.Error("the first answer of an event is lost, and no other")
	}
	h.take(2, site("certificate.suspended"), nil)
	h.take(4, site("certificate.resumed"), nil)
	if text := c.findings.first().Error(); strings.Count(text, "has arrived") != 2 {
		t.Error(text)
	}
}
