package kits

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of a profile.
const (
	maxName    = 64  // characters of a name (RFC 5280, appendix A.1, ub-common-name)
	maxBytes   = 200 // of a name in UTF-8, so that it fits into a line of OpenVPN (openvpn.MaxLine), quoted
	maxHost    = 230 // of a host name, for the same reason
	maxComment = 160 // characters
	maxRemotes = 64  // OpenVPN's CONNECTION_LIST_SIZE
	maxUnit    = 99
	minMTU     = 576
	maxMTU     = 65535
	maxSeconds = 7 * 24 * 60 * 60
)

// checker collects the faults of a profile.
type checker struct{ faults []error }

func (c *checker) addf(field, format string, args ...any) {
	c.faults = append(c.faults, &Invalid{Field: field, Problem: fmt.Sprintf(format, args...)})
}

// check returns every fault that no format can live with, joined.
func (p Profile) check() error {
	var c checker
	c.required("Site", p.Site)
	c.name("Site", p.Site)
	c.name("CommonName", p.CommonName)
	c.name("ServerName", p.ServerName)
	for i, comment := range p.Comments {
		c.text(fmt.Sprintf("Comments[%d]", i), comment, maxComment)
	}
	if len(p.Remotes) == 0 || len(p.Remotes) > maxRemotes {
		c.addf("Remotes", "there must be 1 to %d", maxRemotes)
	}
	c.remotes("Remotes", p.Remotes)
	c.remotes("Earlier.Remotes", p.Earlier.Remotes)
	for i, host := range p.ServerHosts {
		c.host(fmt.Sprintf("ServerHosts[%d]", i), host)
	}
	c.choices(p)
	c.numbers(p)
	c.addresses(p)
	c.mappings(p.NAT)
	c.directives(p.Extra)
	if p.hasExtra("fragment") && slices.ContainsFunc(p.Remotes, func(r Remote) bool { return r.Proto == TCP }) {
		c.addf("Extra", "fragment is for UDP alone")
	}
	return errors.Join(c.faults...)
}

func (c *checker) required(field, text string) {
	if text == "" {
		c.addf(field, "it is missing")
	}
}

// text allows one line of printable characters, without a space at an end. Everything else about
// it is the business of the quoting of a format.
func (c *checker) text(field, text string, limit int) {
	switch {
	case !utf8.ValidString(text):
		c.addf(field, "it is not valid UTF-8")
	case utf8.RuneCountInString(text) > limit:
		c.addf(field, "it is longer than %d characters", limit)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.addf(field, "it has a character that is not printable")
	case strings.TrimSpace(text) != text:
		c.addf(field, "it begins or ends with a space")
	}
}

func (c *checker) name(field, text string) {
	c.text(field, text, maxName)
	if len(text) > maxBytes {
		c.addf(field, "it is longer than %d bytes", maxBytes)
	}
}

// hostname is RFC 1123, section 2.1.
var hostname = regexp.MustCompile(
	`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`,
)

// host refuses an address with a zone, which may be any text.
func (c *checker) host(field, host string) {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Zone() == "" {
		return
	}
	if len(host) > maxHost || !hostname.MatchString(host) {
		c.addf(field, "it is neither a host name nor an IP address")
	}
}

func (c *checker) remotes(list string, remotes []Remote) {
	for i, remote := range remotes {
		field := fmt.Sprintf("%s[%d].", list, i)
		c.host(field+"Host", remote.Host)
		c.number(field+"Port", remote.Port, 1, 65535)
		choose(c, field+"Proto", remote.Proto, UDP, TCP)
	}
}

func choose[T comparable](c *checker, field string, value T, choices ...T) {
	if !slices.Contains(choices, value) {
		c.addf(field, "it is none of %v", choices)
	}
}

// The names of algorithms, as OpenVPN has them.
var (
	dataCiphers = []string{
		"AES-256-GCM", "AES-192-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-256-CBC", "AES-192-CBC", "AES-128-CBC",
	}
	aeadCiphers = dataCiphers[:4]
	digests     = []string{"", "SHA1", "SHA256", "SHA384", "SHA512"}
)

func (c *checker) choices(p Profile) {
	choose(c, "Control.Kind", p.Control.Kind, NoControl, TLSAuth, TLSCrypt, TLSCryptV2)
	if earlier := p.Earlier.Control; earlier != nil {
		choose(c, "Earlier.Control.Kind", earlier.Kind, NoControl, TLSAuth, TLSCrypt, TLSCryptV2)
	}
	choose(c, "TLS", p.TLS, Modern, Compatible)
	choose(c, "Device", p.Device, Tun, Tap)
	choose(c, "Auth", p.Auth, digests...)
	known := dataCiphers
	if p.TLS == Modern {
		known = aeadCiphers
	}
	for i, cipher := range p.DataCiphers {
		field := fmt.Sprintf("DataCiphers[%d]", i)
		choose(c, field, cipher, known...)
		if slices.Contains(p.DataCiphers[:i], cipher) {
			c.addf(field, "it is there twice")
		}
	}
}

func (c *checker) number(field string, value, least, most int) {
	if value < least || value > most {
		c.addf(field, "it is not between %d and %d", least, most)
	}
}

func (c *checker) numbers(p Profile) {
	c.number("Unit", p.Unit, 0, maxUnit)
	c.number("RenegSec", p.RenegSec, 0, maxSeconds)
	if p.MTU != 0 {
		c.number("MTU", p.MTU, minMTU, maxMTU)
	}
	if k := p.Keepalive; k != (Keepalive{}) {
		c.number("Keepalive.Interval", k.Interval, 1, maxSeconds)
		c.number("Keepalive.Timeout", k.Timeout, 2*max(k.Interval, 1), maxSeconds)
	}
}

func (c *checker) addresses(p Profile) {
	for i, addr := range p.DNS {
		if !addr.IsValid() || addr.Zone() != "" {
			c.addf(fmt.Sprintf("DNS[%d]", i), "it is no IP address")
		}
	}
	for i, prefix := range p.Tunnel {
		if !prefix.IsValid() || prefix.Addr().Is4In6() {
			c.addf(fmt.Sprintf("Tunnel[%d]", i), "it is no address with a prefix length")
		}
	}
	for i, prefix := range p.Networks {
		c.network(fmt.Sprintf("Networks[%d]", i), prefix)
	}
	for i, prefix := range p.LANs {
		c.network(fmt.Sprintf("LANs[%d]", i), prefix)
	}
}

func (c *checker) network(field string, prefix netip.Prefix) {
	if !prefix.IsValid() || prefix.Addr().Is4In6() || prefix != prefix.Masked() {
		c.addf(field, "it is no network")
	}
}

func (c *checker) mappings(mappings []Mapping) {
	for i, m := range mappings {
		field := "NAT[" + strconv.Itoa(i) + "]"
		before := len(c.faults)
		c.network(field+".Inside", m.Inside)
		c.network(field+".Outside", m.Outside)
		if len(c.faults) > before {
			continue
		}
		if m.Inside.Bits() != m.Outside.Bits() || m.Inside.Addr().Is4() != m.Outside.Addr().Is4() {
			c.addf(field, "the two networks differ in size or kind")
		}
		for _, other := range mappings[:i] {
			if m.Inside.Overlaps(other.Inside) || m.Outside.Overlaps(other.Outside) {
				c.addf(field, "it overlaps another mapping")
				break
			}
		}
	}
}
