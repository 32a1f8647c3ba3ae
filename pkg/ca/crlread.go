package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// CRL is a revocation list that another program may have made, read as tolerantly as OpenVPN reads
// it: of version 1 or 2, signed over any digest, with serials and numbers of any sign and size,
// with dates in any form. A stricter reader would lose revocations that OpenVPN honours. A list
// that revokes less than it seems to is refused by [CRL.CheckFrom].
type CRL struct {
	Raw        []byte
	Number     *big.Int  // nil if there is none
	ThisUpdate time.Time // UTC
	NextUpdate time.Time // UTC; zero if there is none
	Entries    []CRLEntry

	issuer []byte
	outer  signedData
	scope  scope
}

// CRLEntry is a revoked certificate. RevokedAt is thisUpdate of the list where
// the entry has no readable date.
type CRLEntry struct {
	Serial         *big.Int
	RevokedAt      time.Time
	Reason         Reason    // maybe one that RFC 5280 does not define
	InvalidityDate time.Time // UTC; zero if there is none that can be read
}

// ParseCRL reads exactly one CRL, PEM or DER, of at most 64 MiB. It does not
// verify anything; see [CRL.CheckFrom]. It fails with [ErrMalformed] or
// [ErrMultiple].
func ParseCRL(data []byte) (*CRL, error) {
	if len(data) > maxCRLBytes {
		return nil, fmt.Errorf("%w: a CRL of more than %d bytes", ErrTooLarge, maxCRLBytes)
	}
	der := data
	if bytes.Contains(data, []byte(pemBegin)) {
		block, err := onePEM(data, "X509 CRL")
		if err != nil {
			return nil, err
		}
		der = block.Bytes
	}
	outer, err := readSigned(der)
	if err != nil {
		return nil, err
	}
	list := &CRL{Raw: der, outer: outer}
	if !list.readTBS(outer.signed) {
		return nil, fmt.Errorf("%w: not a CRL", ErrContent)
	}
	return list, nil
}

// CheckFrom reports whether the list is a complete one of the CA: it names the
// CA, the CA's key signed it, and nothing in it says that it covers only a
// part. It fails with [ErrNotSignedByCA] or a [*ScopeError].
func (l *CRL) CheckFrom(issuer *x509.Certificate) error {
	if !sameName(l.issuer, issuer.RawSubject) {
		return fmt.Errorf("%w: the list names another issuer", ErrNotSignedByCA)
	}
	if _, err := l.outer.verify(issuer.PublicKey); err != nil {
		return fmt.Errorf("%w: the signature of the list does not verify", ErrNotSignedByCA)
	}
	return l.scope.check(issuer)
}

// readTBS reads a TBSCertList (RFC 5280, section 5.1.2).
func (l *CRL) readTBS(der []byte) bool {
	outer, body := cryptobyte.String(der), cryptobyte.String(nil)
	var version int
	var algorithm, issuer, entries, extensions cryptobyte.String
	var some, extended bool
	if !outer.ReadASN1(&body, cbasn1.SEQUENCE) || !outer.Empty() ||
		body.PeekASN1Tag(cbasn1.INTEGER) && (!body.ReadASN1Integer(&version) || version > 1) ||
		!body.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) || !l.outer.sameAlgorithm(algorithm) ||
		!body.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !l.readValidity(&body) ||
		!body.ReadOptionalASN1(&entries, &some, cbasn1.SEQUENCE) ||
		!body.ReadOptionalASN1(&extensions, &extended, cbasn1.Tag(0).ContextSpecific().Constructed()) || !body.Empty() {
		return false
	}
	l.issuer = issuer
	return l.readEntries(entries) && (!extended || l.readExtensions(extensions))
}

// readValidity reads thisUpdate, which must be readable, and nextUpdate.
func (l *CRL) readValidity(body *cryptobyte.String) bool {
	text, tag, ok := readTime(body)
	if !ok {
		return false
	}
	if l.ThisUpdate, ok = lenientTime(text, tag); !ok {
		return false
	}
	if body.PeekASN1Tag(cbasn1.UTCTime) || body.PeekASN1Tag(cbasn1.GeneralizedTime) {
		text, tag, ok = readTime(body)
		l.NextUpdate, _ = lenientTime(text, tag)
	}
	return ok
}

func readTime(body *cryptobyte.String) (text cryptobyte.String, tag cbasn1.Tag, ok bool) {
	ok = body.ReadAnyASN1(&text, &tag) && (tag == cbasn1.UTCTime || tag == cbasn1.GeneralizedTime)
	return text, tag, ok
}

func (l *CRL) readEntries(entries cryptobyte.String) bool {
	for !entries.Empty() {
		var body, extensions cryptobyte.String
		serial := new(big.Int)
		if !entries.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1Integer(serial) {
			return false
		}
		text, tag, ok := readTime(&body)
		if !ok || !body.Empty() && !body.ReadASN1(&extensions, cbasn1.SEQUENCE) || !body.Empty() {
			return false
		}
		at, ok := lenientTime(text, tag)
		if !ok {
			at = l.ThisUpdate
		}
		entry := CRLEntry{Serial: serial, RevokedAt: at}
		if !l.readEntryExtensions(extensions, &entry) {
			return false
		}
		l.Entries = append(l.Entries, entry)
	}
	return true
}

func (l *CRL) readEntryExtensions(extensions cryptobyte.String, entry *CRLEntry) bool {
	for !extensions.Empty() {
		e, ok := readExtension(&extensions)
		if !ok {
			return false
		}
		switch e.oid {
		case "2.5.29.21": // reasonCode
			var code int
			if !e.value.ReadASN1Enum(&code) {
				return false
			}
			entry.Reason = Reason(code)
		case "2.5.29.24": // invalidityDate
			if text, tag, ok := readTime(&e.value); ok {
				entry.InvalidityDate, _ = lenientTime(text, tag)
			}
		case "2.5.29.29": // certificateIssuer
			l.scope.partial("certificateIssuer")
		case "2.5.29.23": // holdInstructionCode
		default:
			l.scope.unknown(e)
		}
	}
	return true
}

func (l *CRL) readExtensions(wrapped cryptobyte.String) bool {
	var extensions cryptobyte.String
	if !wrapped.ReadASN1(&extensions, cbasn1.SEQUENCE) || !wrapped.Empty() {
		return false
	}
	for !extensions.Empty() {
		e, ok := readExtension(&extensions)
		if !ok {
			return false
		}
		switch e.oid {
		case "2.5.29.20": // cRLNumber
			l.Number = new(big.Int)
			ok = e.value.ReadASN1Integer(l.Number)
		case "2.5.29.27": // deltaCRLIndicator
			l.scope.partial("deltaCRLIndicator")
		case "2.5.29.28": // issuingDistributionPoint
			ok = l.scope.readDistribution(e.value)
		case "2.5.29.18", "2.5.29.35": // issuerAltName, authorityKeyIdentifier
		default:
			l.scope.unknown(e)
		}
		if !ok {
			return false
		}
	}
	return true
}

// extension is one of RFC 5280, section 4.1.
type extension struct {
	id       asn1.ObjectIdentifier
	oid      string
	critical bool
	value    cryptobyte.String
}

func readExtension(list *cryptobyte.String) (extension, bool) {
	var body cryptobyte.String
	var e extension
	ok := list.ReadASN1(&body, cbasn1.SEQUENCE) && body.ReadASN1ObjectIdentifier(&e.id)
	if ok && body.PeekASN1Tag(cbasn1.BOOLEAN) {
		var critical cryptobyte.String
		ok = body.ReadASN1(&critical, cbasn1.BOOLEAN) && len(critical) == 1
		e.critical = ok && critical[0] != 0 // BER's true is anything but zero
	}
	ok = ok && body.ReadASN1(&e.value, cbasn1.OCTET_STRING) && body.Empty()
	e.oid = e.id.String()
	return e, ok
}

// lenientTime reads a UTCTime or GeneralizedTime that may lack its seconds or its zone, have
// fractions or an offset (X.680, sections 46 and 47): one without a zone is taken for UTC.
func lenientTime(text []byte, tag cbasn1.Tag) (time.Time, bool) {
	n := leadingDigits(text)
	digits, rest := string(text[:n]), string(text[n:])
	layout := "20060102150405"
	if tag == cbasn1.UTCTime {
		layout = "060102150405"
	}
	for len(layout) > len(digits) && len(layout) > 8 { // seconds, and minutes of a GeneralizedTime, may be left out
		layout = layout[:len(layout)-2]
	}
	at, err := time.Parse(layout, digits)
	if err != nil {
		return time.Time{}, false
	}
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		rest = rest[1+leadingDigits([]byte(rest[1:])):]
	}
	if tag == cbasn1.UTCTime && at.Year() >= 2050 { // RFC 5280, section 4.1.2.5.1
		at = at.AddDate(-100, 0, 0)
	}
	switch {
	case rest == "" || rest == "Z":
		return at, true
	case len(rest) == 5 && (rest[0] == '+' || rest[0] == '-'):
		zoned, err := time.Parse("-0700", rest)
		if err != nil {
			return time.Time{}, false
		}
		_, offset := zoned.Zone()
		return at.Add(-time.Duration(offset) * time.Second), true
	}
	return time.Time{}, false
}
