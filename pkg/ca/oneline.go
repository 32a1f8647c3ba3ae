package ca

import (
	"encoding/asn1"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// attributeNames are the names of attributes that openssl prints; others are printed by their OID.
var attributeNames = []struct {
	oid  asn1.ObjectIdentifier
	name string
}{
	{asn1.ObjectIdentifier{2, 5, 4, 3}, "CN"}, {asn1.ObjectIdentifier{2, 5, 4, 5}, "serialNumber"},
	{asn1.ObjectIdentifier{2, 5, 4, 6}, "C"}, {asn1.ObjectIdentifier{2, 5, 4, 7}, "L"},
	{asn1.ObjectIdentifier{2, 5, 4, 8}, "ST"}, {asn1.ObjectIdentifier{2, 5, 4, 10}, "O"},
	{asn1.ObjectIdentifier{2, 5, 4, 11}, "OU"}, {asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, "emailAddress"},
}

func attributeName(oid asn1.ObjectIdentifier) string {
	for _, one := range attributeNames {
		if one.oid.Equal(oid) {
			return one.name
		}
	}
	return oid.String()
}

// OneLine is a name (RFC 5280, section 4.1.2.4) as X509_NAME_oneline of openssl prints it: what is
// no visible ASCII is escaped. Of a damaged name it is what can be read.
func OneLine(raw []byte) string {
	var text strings.Builder
	names := cryptobyte.String(raw)
	if !names.ReadASN1(&names, cbasn1.SEQUENCE) {
		return ""
	}
	for !names.Empty() {
		var set, attribute, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var tag cbasn1.Tag
		if !names.ReadASN1(&set, cbasn1.SET) {
			return text.String()
		}
		for !set.Empty() {
			if !set.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) ||
				!attribute.ReadAnyASN1(&value, &tag) {
				return text.String()
			}
			fmt.Fprintf(&text, "/%s=%s", attributeName(oid), oneline(value))
		}
	}
	return text.String()
}

func oneline(value []byte) string {
	var text strings.Builder
	for _, b := range value {
		if b < ' ' || b > '~' {
			fmt.Fprintf(&text, `\x%02X`, b)
			continue
		}
		text.WriteByte(b)
	}
	return text.String()
}
