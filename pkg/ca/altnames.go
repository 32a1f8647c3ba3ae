package ca

import (
	"net"
	"net/netip"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// AltNames are the names of a subjectAltName (RFC 5280, section 4.2.1.6) that this package reads.
// Names of other kinds, texts that are not ASCII and addresses of other lengths are left out.
type AltNames struct {
	DNS    []string
	IPs    []netip.Addr
	Emails []string
}

// The context tags of a GeneralName.
const (
	tagEmail     = cbasn1.Tag(1)
	tagDNS       = cbasn1.Tag(2)
	tagDirectory = cbasn1.Tag(4)
	tagIP        = cbasn1.Tag(7)
)

// readAltNames reads the value of the extension, or reports that it is damaged.
func readAltNames(der cryptobyte.String) (AltNames, bool) {
	var names AltNames
	var body cryptobyte.String
	if !der.ReadASN1(&body, cbasn1.SEQUENCE) || !der.Empty() {
		return names, false
	}
	for !body.Empty() {
		var value cryptobyte.String
		var tag cbasn1.Tag
		if !body.ReadAnyASN1(&value, &tag) {
			return names, false
		}
		switch tag {
		case tagEmail.ContextSpecific():
			names.Emails = appendText(names.Emails, value)
		case tagDNS.ContextSpecific():
			names.DNS = appendText(names.DNS, value)
		case tagIP.ContextSpecific():
			if ip, ok := netip.AddrFromSlice(value); ok {
				names.IPs = append(names.IPs, ip)
			}
		}
	}
	return names, true
}

// netIPs are the addresses as the standard library takes them.
func (n AltNames) netIPs() []net.IP {
	var ips []net.IP
	for _, ip := range n.IPs {
		ips = append(ips, ip.AsSlice())
	}
	return ips
}

func appendText(list []string, text []byte) []string {
	if !printable(text) {
		return list
	}
	return append(list, string(text))
}

// printable reports whether a text is ASCII without control characters.
func printable(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
