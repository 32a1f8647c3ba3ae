package ca

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// plainExtensions writes what follows the key in a TBSCertificate, with only the extensions that
// matter here, in a form that the standard library reads. It also returns all extensions that were
// there. It fails for extensions that OpenSSL can't read either.
func plainExtensions(rest cryptobyte.String) (plain []byte, all []pkix.Extension, ok bool) {
	tag := cbasn1.Tag(3).ContextSpecific().Constructed()
	var b cryptobyte.Builder
	for !rest.Empty() && !rest.PeekASN1Tag(tag) { // the unique identifiers
		var element cryptobyte.String
		var any cbasn1.Tag
		if !rest.ReadAnyASN1Element(&element, &any) {
			return nil, nil, false
		}
		b.AddBytes(element)
	}
	var wrapped, list cryptobyte.String
	if rest.Empty() {
		plain, err := b.Bytes()
		return plain, nil, err == nil
	}
	if !rest.ReadASN1(&wrapped, tag) || !rest.Empty() || !wrapped.ReadASN1(&list, cbasn1.SEQUENCE) || !wrapped.Empty() {
		return nil, nil, false
	}
	kept, all, ok := readExtensions(list)
	if ok && len(kept) > 0 {
		b.AddASN1(tag, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(kept) })
		})
	}
	plain, err := b.Bytes()
	return plain, all, ok && err == nil
}

// readExtensions returns all extensions, and the kept ones encoded anew. None of the latter is
// critical: for some the standard library does not allow that.
func readExtensions(list cryptobyte.String) (kept []byte, all []pkix.Extension, ok bool) {
	var b cryptobyte.Builder
	for !list.Empty() {
		e, ok := readExtension(&list)
		if !ok {
			return nil, nil, false
		}
		all = append(all, pkix.Extension{Id: e.id, Critical: e.critical, Value: e.value})
		value, keep, ok := plainExtension(e)
		if !ok {
			return nil, nil, false
		}
		if !keep {
			continue
		}
		der, err := asn1.Marshal(pkix.Extension{Id: e.id, Value: value})
		if err != nil {
			return nil, nil, false
		}
		b.AddBytes(der)
	}
	kept, err := b.Bytes()
	return kept, all, err == nil
}

// plainExtension returns the value of an extension as the standard library
// reads it, whether it matters here, and whether OpenSSL can read it.
func plainExtension(e extension) (value []byte, keep, ok bool) {
	switch e.oid {
	case "2.5.29.14", "2.5.29.35", oidKeyUsage, oidExtKeyUsage: // the first two are the key identifiers
		return e.value, true, true
	case oidConstraints:
		value, ok = plainConstraints(e.value)
		return value, true, ok
	case oidAltName:
		value, ok = plainAltNames(e.value)
		return value, value != nil, ok
	case oidNameConstraints, oidDistributionPoints:
		return nil, false, wholeSequence(e.value)
	}
	return nil, false, true
}

// plainConstraints writes basicConstraints (RFC 5280, section 4.2.1.9) with DER's true, whatever
// BER has for it.
func plainConstraints(der cryptobyte.String) ([]byte, bool) {
	var body, is cryptobyte.String
	if !der.ReadASN1(&body, cbasn1.SEQUENCE) || !der.Empty() {
		return nil, false
	}
	if body.PeekASN1Tag(cbasn1.BOOLEAN) && (!body.ReadASN1(&is, cbasn1.BOOLEAN) || len(is) != 1) {
		return nil, false
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if len(is) > 0 && is[0] != 0 {
			b.AddASN1Boolean(true)
		}
		b.AddBytes(body)
	})
	plain, err := b.Bytes()
	return plain, err == nil
}

// plainAltNames keeps the names of a subjectAltName (RFC 5280, section 4.2.1.6) that matter here
// and that the standard library reads; nil for none.
func plainAltNames(der cryptobyte.String) ([]byte, bool) {
	var body cryptobyte.String
	if !der.ReadASN1(&body, cbasn1.SEQUENCE) || !der.Empty() {
		return nil, false
	}
	var b cryptobyte.Builder
	some := false
	for !body.Empty() {
		var name cryptobyte.String
		var tag cbasn1.Tag
		if !body.ReadAnyASN1(&name, &tag) {
			return nil, false
		}
		if plainAltName(tag, name) {
			some = true
			b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(name) })
		}
	}
	if !some {
		return nil, true
	}
	names, err := b.Bytes()
	if err != nil {
		return nil, false
	}
	var whole cryptobyte.Builder
	whole.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(names) })
	plain, err := whole.Bytes()
	return plain, err == nil
}

func plainAltName(tag cbasn1.Tag, name []byte) bool {
	switch tag {
	case tagEmail.ContextSpecific(), tagDNS.ContextSpecific():
		return ascii(name)
	case tagIP.ContextSpecific():
		return len(name) == net.IPv4len || len(name) == net.IPv6len
	}
	return false
}

func ascii(text []byte) bool {
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
