package ca

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ConstraintError says which name the name constraints of a CA do not allow (RFC 5280, section
// 4.2.1.10). It is [ErrConstrained] and [ErrInvalidRequest].
type ConstraintError struct {
	Kind NameKind
	// Index is the place of the name among those of its kind; 0 for the subject.
	Index int
	// Excluded says that Constraint forbids the name. Otherwise the name has no part in Constraint,
	// which is all that is permitted of a kind.
	Excluded bool
	// Constraint is the constraint, or several with commas, as "dNSName .example.com": what the
	// CA's certificate says.
	Constraint string
}

// Error implements error.
func (e *ConstraintError) Error() string {
	verb := "permits only"
	if e.Excluded {
		verb = "excludes"
	}
	return fmt.Sprintf("%v: %s %d; the CA %s %s", ErrConstrained, e.Kind, e.Index+1, verb, e.Constraint)
}

// Unwrap returns the kinds of the fault.
func (e *ConstraintError) Unwrap() []error { return []error{ErrConstrained, ErrInvalidRequest} }

// subtree is a GeneralSubtree.
type subtree struct {
	tag  cbasn1.Tag // that of the GeneralName, without its class
	base []byte
	// unclear: no name can be held against it. It has a minimum or maximum, which nobody
	// implements, or an address of an unknown length.
	unclear bool
}

// nameConstraints are those of a CA.
type nameConstraints struct {
	permitted, excluded []subtree
}

// constraintsOf reads the name constraints of a certificate, or reports that they are damaged.
func constraintsOf(cert *x509.Certificate) (nameConstraints, bool) {
	var c nameConstraints
	value, some := extensionOf(cert, oidNameConstraints)
	if !some {
		return c, true
	}
	outer, body := cryptobyte.String(value), cryptobyte.String(nil)
	var permitted, excluded cryptobyte.String
	if !outer.ReadASN1(&body, cbasn1.SEQUENCE) || !outer.Empty() ||
		!body.ReadOptionalASN1(&permitted, nil, cbasn1.Tag(0).ContextSpecific().Constructed()) ||
		!body.ReadOptionalASN1(&excluded, nil, cbasn1.Tag(1).ContextSpecific().Constructed()) || !body.Empty() {
		return c, false
	}
	var ok, too bool
	c.permitted, ok = readSubtrees(permitted)
	c.excluded, too = readSubtrees(excluded)
	return c, ok && too
}

func readSubtrees(list cryptobyte.String) ([]subtree, bool) {
	var all []subtree
	for !list.Empty() {
		var body, base cryptobyte.String
		var tag cbasn1.Tag
		if !list.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadAnyASN1(&base, &tag) || tag&0xc0 != 0x80 {
			return nil, false
		}
		kind := tag & 0x1f
		if kind == tagDirectory { // the tag of a CHOICE is explicit
			if !base.ReadASN1Element(&base, cbasn1.SEQUENCE) {
				return nil, false
			}
			if _, ok := readName(base); !ok {
				return nil, false
			}
		}
		oddAddress := kind == tagIP && len(base) != 2*net.IPv4len && len(base) != 2*net.IPv6len
		bounded := !body.Empty() && string(body) != "\x80\x01\x00" // a minimum of 0 is the default
		all = append(all, subtree{tag: kind, base: base, unclear: oddAddress || bounded})
	}
	return all, true
}

// check reports whether a name is within the constraints. A kind of which nothing is permitted or
// excluded is free.
func (c nameConstraints) check(n constrainedName) error {
	for _, tree := range c.excluded {
		if tree.tag == n.tag && (tree.unclear || tree.contains(n.value)) {
			return &ConstraintError{Kind: n.kind, Index: n.index, Excluded: true, Constraint: tree.String()}
		}
	}
	var permitted []string
	inside, unclear := false, false
	for _, tree := range c.permitted {
		if tree.tag != n.tag {
			continue
		}
		unclear = unclear || tree.unclear
		inside = inside || tree.contains(n.value)
		permitted = append(permitted, tree.String())
	}
	if len(permitted) == 0 || inside && !unclear {
		return nil
	}
	return &ConstraintError{Kind: n.kind, Index: n.index, Constraint: strings.Join(permitted, ", ")}
}

// contains reports whether a name lies in the subtree, as OpenSSL decides it.
func (s subtree) contains(name []byte) bool {
	switch s.tag {
	case tagDirectory:
		return nameWithin(name, s.base)
	case tagDNS:
		return hostWithin(string(name), string(s.base))
	case tagEmail:
		return mailWithin(string(name), string(s.base))
	case tagIP:
		return addressWithin(name, s.base)
	}
	return false
}

// nameWithin reports whether a distinguished name begins with another one.
func nameWithin(name, base []byte) bool {
	sets, ok := readName(name)
	first, too := readName(base)
	return ok && too && len(sets) >= len(first) && sameSets(sets[:len(first)], first)
}

// hostWithin reports whether a host name is the base or lies below it. A base that begins with a
// dot has only what lies below.
func hostWithin(name, base string) bool {
	name, base = strings.ToLower(name), strings.ToLower(base)
	if base == "" || name == base {
		return true
	}
	return strings.HasSuffix(name, "."+strings.TrimPrefix(base, "."))
}

// mailWithin reports whether an address is the base, is at the host that is the base, or at one
// below the base if that begins with a dot. Only the part before the at is compared with its case.
func mailWithin(address, base string) bool {
	at := strings.LastIndexByte(address, '@')
	local, host := address[:max(at, 0)], strings.ToLower(address[at+1:])
	baseLocal, baseHost, whole := strings.Cut(base, "@")
	switch {
	case at < 0:
		return false
	case strings.HasPrefix(base, ".") && !whole:
		return strings.HasSuffix(host, strings.ToLower(base)) && len(host) > len(base)
	case !whole:
		return host == strings.ToLower(base)
	}
	return host == strings.ToLower(baseHost) && (baseLocal == "" || local == baseLocal)
}

// addressWithin compares the bits of an address that the mask, the second half of the base, has.
func addressWithin(address, base []byte) bool {
	if 2*len(address) != len(base) {
		return false
	}
	for i, b := range address {
		if (b^base[i])&base[len(address)+i] != 0 {
			return false
		}
	}
	return true
}

// String writes the constraint with the name of its kind.
func (s subtree) String() string {
	text := fmt.Sprintf("%x", s.base)
	switch {
	case s.tag == tagDirectory:
		if name, ok := parseName(s.base); ok {
			text = name.String()
		}
	case s.tag == tagIP:
		text = maskedText(s.base)
	case printable(s.base):
		text = string(s.base)
	}
	return strings.TrimSpace(string(constrainedKinds[s.tag]) + " " + text)
}

func maskedText(base []byte) string {
	half := len(base) / 2
	ip, ok := netip.AddrFromSlice(base[:half])
	if !ok || len(base) != 2*half {
		return fmt.Sprintf("%x", base)
	}
	if ones, bits := net.IPMask(base[half:]).Size(); bits > 0 {
		return fmt.Sprintf("%s/%d", ip, ones)
	}
	return fmt.Sprintf("%s/%x", ip, base[half:])
}
