package pki

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// indexRow is the row of a certificate in index.txt, the database of `openssl ca`: state, end,
// revocation, serial, file and subject.
func indexRow(c domain.Certificate, r domain.Revocation, revoked bool, now time.Time) (string, error) {
	cert, err := ca.ReadCertificate(c.DER)
	if err != nil {
		return "", fmt.Errorf("certificate %d: %w", c.ID, err)
	}
	state, when := "V", ""
	switch {
	case revoked:
		state, when = "R", indexRevocation(r)
	case !now.Before(c.NotAfter):
		state = "E"
	}
	return indexLine(state, c.NotAfter, when, c.Serial, ca.OneLine(cert.RawSubject)), nil
}

func indexLine(state string, end time.Time, revocation, serial, subject string) string {
	return strings.Join([]string{state, indexTime(end), revocation, serialFile(serial), "unknown", subject}, "\t") + "\n"
}

// indexRevocation is the date of a revocation with its reason, as openssl reads it.
func indexRevocation(r domain.Revocation) string {
	at := indexTime(r.RevokedAt)
	compromised := map[domain.RevocationReason]string{domain.KeyCompromise: "keyTime", domain.CACompromise: "CAkeyTime"}
	switch word := compromised[r.Reason]; {
	case r.Reason == domain.Unspecified:
		return at
	case word != "" && !r.InvalidSince.IsZero():
		return at + "," + word + "," + r.InvalidSince.UTC().Format("20060102150405Z")
	}
	return at + "," + r.Reason.String()
}

func indexTime(t time.Time) string {
	if t = t.UTC(); t.Year() < 2050 {
		return t.Format("060102150405Z")
	}
	return t.Format("20060102150405Z")
}

// serialFile is a serial as openssl writes it: in upper case, with an even number of digits.
func serialFile(serial string) string {
	n, err := ca.ParseSerial(serial)
	if err != nil {
		return strings.ToUpper(serial)
	}
	return evenHex(n)
}

func evenHex(n *big.Int) string {
	text := fmt.Sprintf("%X", n)
	if digits := strings.TrimPrefix(text, "-"); len(digits)%2 == 1 {
		text = strings.TrimSuffix(text, digits) + "0" + digits
	}
	return text
}

// index writes index.txt: the certificates, and what was revoked without a certificate here.
func (e *export) index(context.Context) error {
	serials := make([]string, 0, len(e.revoked))
	for serial := range e.revoked {
		serials = append(serials, serial)
	}
	slices.Sort(serials)
	for _, serial := range serials {
		r := e.revoked[serial]
		end := r.NotAfter
		if end.IsZero() {
			end = e.ca.ExpiresAt
		}
		e.rows.WriteString(indexLine("R", end, indexRevocation(r), serial, "/CN="+serialFile(serial)))
	}
	return e.put(ExportedFile{Name: "index.txt", Content: e.rows.Bytes()})
}
