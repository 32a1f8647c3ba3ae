package ca

import (
	"fmt"
	"net/netip"
	"strings"
)

// Limits of the names of a server. The length in octets is that of RFC 1123, section 2.1, and RFC
// 1035, section 2.3.4; the number is ours.
const (
	MaxServerNames = 100
	maxHostname    = 253
	maxLabel       = 63
)

// NameFault says what is wrong with a name.
type NameFault string

// The faults of names.
const (
	NotAHostname   NameFault = "not a host name of RFC 1123"
	MisplacedStar  NameFault = "a star is allowed only as the whole first label"
	LongHostname   NameFault = "longer than 253 octets, or a label longer than 63"
	NotAnIPAddress NameFault = "not an address that a host can have"
	RepeatedName   NameFault = "given twice"
	TooManyNames   NameFault = "more than 100 names"
)

// NameKind is a kind of name (RFC 5280, section 4.2.1.6), or the subject.
type NameKind string

// The kinds of names.
const (
	SubjectName NameKind = "subject"
	DNSName     NameKind = "dNSName"
	IPName      NameKind = "iPAddress"
	EmailName   NameKind = "rfc822Name"
)

// NameError says which name can't be in a certificate. It is [ErrInvalidRequest].
type NameError struct {
	Kind NameKind
	// Index is the place of the name in the list of its kind in the request.
	Index int
	Fault NameFault
}

// Error implements error. It doesn't quote the name.
func (e *NameError) Error() string {
	return fmt.Sprintf("%v: %s %d: %s", ErrInvalidRequest, e.Kind, e.Index+1, e.Fault)
}

// Unwrap returns the kind of the fault.
func (e *NameError) Unwrap() error { return ErrInvalidRequest }

// CheckServerNames checks the names of a server: host names of RFC 1123 in ASCII (those with other
// letters in the form of RFC 5890, "xn--…"), whose first label may be a star; addresses of IPv4 and
// IPv6; no name twice. It fails with a [NameError].
func CheckServerNames(hosts []string, ips []netip.Addr) error {
	if len(hosts)+len(ips) > MaxServerNames {
		return &NameError{DNSName, 0, TooManyNames}
	}
	seen := map[string]bool{}
	for i, host := range hosts {
		key := strings.ToLower(host)
		if fault := hostFault(key); fault != "" {
			return &NameError{DNSName, i, fault}
		}
		if seen[key] {
			return &NameError{DNSName, i, RepeatedName}
		}
		seen[key] = true
	}
	for i, ip := range ips {
		ip = ip.Unmap()
		if !ip.IsValid() || ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast() {
			return &NameError{IPName, i, NotAnIPAddress}
		}
		if seen[ip.String()] {
			return &NameError{IPName, i, RepeatedName}
		}
		seen[ip.String()] = true
	}
	return nil
}

// hostFault judges a host name in lower case; empty for none.
func hostFault(host string) NameFault {
	if len(host) > maxHostname {
		return LongHostname
	}
	plain, starred := strings.CutPrefix(host, "*.")
	if !starred && strings.Contains(host, "*") || strings.Contains(plain, "*") {
		return MisplacedStar
	}
	labels := strings.Split(plain, ".")
	for _, label := range labels {
		if len(label) > maxLabel {
			return LongHostname
		}
		if !hostLabel(label) {
			return NotAHostname
		}
	}
	// A name whose last label is a number would be read as an IPv4 address.
	if last := labels[len(labels)-1]; leadingDigits([]byte(last)) == len(last) {
		return NotAHostname
	}
	return ""
}

// hostLabel reports whether a label has letters, digits and inner hyphens only.
func hostLabel(label string) bool {
	if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(label, func(r rune) bool {
		return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// unmapped writes IPv4 addresses that are mapped to IPv6 as IPv4 addresses.
func unmapped(ips []netip.Addr) []netip.Addr {
	plain := make([]netip.Addr, len(ips))
	for i, ip := range ips {
		plain[i] = ip.Unmap()
	}
	return plain
}
