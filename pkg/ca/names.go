package ca

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The string types of names (RFC 5280, section 4.1.2.4) that are not in cryptobyte.
const (
	tagTeletex   cbasn1.Tag = 20
	tagVideotex  cbasn1.Tag = 21
	tagGraphic   cbasn1.Tag = 25
	tagVisible   cbasn1.Tag = 26
	tagUniversal cbasn1.Tag = 28
	tagBMP       cbasn1.Tag = 30
	tagNumeric   cbasn1.Tag = 18
)

// attribute is one part of a distinguished name.
type attribute struct {
	oid   []byte // the element
	tag   cbasn1.Tag
	value []byte // the content
}

// readName reads a Name (RFC 5280, section 4.1.2.4): its sets of attributes.
func readName(der []byte) ([][]attribute, bool) {
	outer, sets := cryptobyte.String(der), cryptobyte.String(nil)
	if !outer.ReadASN1(&sets, cbasn1.SEQUENCE) || !outer.Empty() {
		return nil, false
	}
	var name [][]attribute
	for !sets.Empty() {
		var set cryptobyte.String
		if !sets.ReadASN1(&set, cbasn1.SET) || set.Empty() {
			return nil, false
		}
		var all []attribute
		for !set.Empty() {
			var pair, oid, value cryptobyte.String
			var tag cbasn1.Tag
			if !set.ReadASN1(&pair, cbasn1.SEQUENCE) || !pair.ReadASN1Element(&oid, cbasn1.OBJECT_IDENTIFIER) ||
				!pair.ReadAnyASN1(&value, &tag) || !pair.Empty() {
				return nil, false
			}
			all = append(all, attribute{oid, tag, value})
		}
		name = append(name, all)
	}
	return name, true
}

// text is the value of an attribute, or false when it is no text.
func (a attribute) text() (string, bool) {
	switch a.tag {
	case cbasn1.UTF8String, cbasn1.PrintableString, cbasn1.IA5String, tagVisible, tagNumeric:
		if utf8.Valid(a.value) {
			return string(a.value), true
		}
		return latin1(a.value), true
	case tagTeletex:
		return latin1(a.value), true
	case tagBMP:
		units := make([]uint16, 0, len(a.value)/2)
		for i := 0; i+1 < len(a.value); i += 2 {
			units = append(units, uint16(a.value[i])<<8|uint16(a.value[i+1]))
		}
		return string(utf16.Decode(units)), len(a.value)%2 == 0
	case tagUniversal:
		var text strings.Builder
		for i := 0; i+3 < len(a.value); i += 4 {
			v := a.value[i : i+4]
			text.WriteRune(rune(uint32(v[0])<<24 | uint32(v[1])<<16 | uint32(v[2])<<8 | uint32(v[3])))
		}
		return text.String(), len(a.value)%4 == 0
	}
	return "", false
}

func latin1(value []byte) string {
	runes := make([]rune, len(value))
	for i, b := range value {
		runes[i] = rune(b)
	}
	return string(runes)
}

// sameName compares two names as OpenSSL does: texts regardless of their type, of the case of ASCII
// letters and of the spaces around and between words, all else byte for byte (RFC 5280, section
// 7.1).
func sameName(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	first, ok := readName(a)
	second, too := readName(b)
	return ok && too && sameSets(first, second)
}

func sameSets(first, second [][]attribute) bool {
	return slices.EqualFunc(first, second, func(a, b []attribute) bool {
		return slices.EqualFunc(a, b, attribute.same)
	})
}

func (a attribute) same(b attribute) bool {
	if !bytes.Equal(a.oid, b.oid) {
		return false
	}
	first, ok := a.text()
	second, too := b.text()
	if !ok || !too {
		return a.tag == b.tag && bytes.Equal(a.value, b.value)
	}
	return foldedText(first) == foldedText(second)
}

func foldedText(text string) string {
	lower := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
	return strings.Join(strings.Fields(lower), " ")
}

// readable reports whether OpenSSL reads a name with this attribute: it reads
// no other types of texts, and none whose characters do not exist in Unicode.
func (a attribute) readable() bool {
	switch a.tag {
	case cbasn1.OCTET_STRING, cbasn1.BOOLEAN, cbasn1.INTEGER, cbasn1.NULL, cbasn1.OBJECT_IDENTIFIER, cbasn1.SET,
		cbasn1.UTCTime, cbasn1.GeneralizedTime, tagVideotex, tagGraphic, tagVisible, cbasn1.GeneralString:
		return false
	case cbasn1.UTF8String:
		return utf8.Valid(a.value)
	case tagBMP:
		return validRunes(a.value, 2)
	case tagUniversal:
		return validRunes(a.value, 4)
	}
	return true
}

// validRunes reports whether a text is made of characters that take size octets each. None is a
// surrogate, for that is half of a character.
func validRunes(text []byte, size int) bool {
	if len(text)%size != 0 {
		return false
	}
	for at := 0; at < len(text); at += size {
		var r uint32
		for _, octet := range text[at : at+size] {
			r = r<<8 | uint32(octet)
		}
		if r > unicode.MaxRune || !utf8.ValidRune(rune(r)) {
			return false
		}
	}
	return true
}

// readableName reports whether OpenSSL reads a name.
func readableName(der []byte) bool {
	name, ok := readName(der)
	return ok && !slices.ContainsFunc(name, func(set []attribute) bool {
		return slices.ContainsFunc(set, func(a attribute) bool { return !a.readable() })
	})
}

// plainName writes a name anew with every text as UTF8String, and with nothing
// for the values that are no text: one that the standard library reads.
func plainName(der []byte) ([]byte, bool) {
	if !readableName(der) {
		return nil, false
	}
	name, _ := readName(der)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, set := range name {
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
				for _, a := range set {
					text, _ := a.text()
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(a.oid)
						b.AddASN1(
							cbasn1.UTF8String,
							func(b *cryptobyte.Builder) { b.AddBytes([]byte(strings.ToValidUTF8(text, "\uFFFD"))) },
						)
					})
				}
			})
		}
	})
	plain, err := b.Bytes()
	return plain, err == nil
}
