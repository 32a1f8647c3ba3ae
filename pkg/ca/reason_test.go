package ca_test

import (
	"bytes"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func TestReason_HasTheNamesOfRFC5280(t *testing.T) {
	t.Parallel()
	names := map[ca.Reason]string{
		0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
		5: "cessationOfOperation", 6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn",
		10: "aACompromise",
	}
	for code := ca.Reason(-1); code < 12; code++ {
		name, known := names[code]
		if code.Valid() != known || known && code.String() != name {
			t.Errorf("%d is %q, valid %v", int(code), code, code.Valid())
		}
	}
}

// Every entry that is signed reads back as it was asked, and openssl shows the same.
func TestSignCRL_ReasonsAndInvalidityDatesReadBack(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	since := time.Date(2051, 2, 3, 4, 5, 6, 7, time.FixedZone("BRT", -3*3600)) // written in UTC, without nanoseconds
	var want []ca.Revocation
	for code := ca.Unspecified; code <= ca.AACompromise; code++ {
		if !code.Valid() || code == ca.RemoveFromCRL {
			continue
		}
		serial := new(big.Int).Lsh(big.NewInt(int64(1+code)), 8*63) // 64 octets, the longest
		want = append(want, ca.Revocation{Serial: serial, RevokedAt: epoch, Reason: code})
		serial = new(big.Int).Neg(serial)
		want = append(want, ca.Revocation{Serial: serial, RevokedAt: since, Reason: code, InvalidityDate: since})
	}
	der, err := authority.SignCRL(crlRequest(want))
	if err != nil {
		t.Fatal(err)
	}
	list, err := ca.ReadForeignCRL(der, authority.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	equal := cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })
	seconds := cmp.Comparer(func(a, b time.Time) bool { return a.Truncate(time.Second).Equal(b.Truncate(time.Second)) })
	if diff := cmp.Diff(want, list.Revocations(), equal, seconds); diff != "" {
		t.Error(diff)
	}
	dir := t.TempDir()
	writeFile(t, dir, "crl.pem", ca.EncodeCRLPEM(der))
	text := openssl(t, dir, "crl", "-in", "crl.pem", "-noout", "-text")
	for what, count := range map[string]int{
		"Invalidity Date": 9, "Feb  3 07:05:06 2051 GMT\n": 18, "Key Compromise": 2, "Certificate Hold": 2,
		"CRL Reason Code": 16,
	} {
		if got := bytes.Count(text, []byte(what)); got != count {
			t.Errorf("%d times %q, want %d", got, what, count)
		}
	}
}

// An invalidity date that can't be read, or that no entry can carry, is not taken over, and does
// not cost the revocation.
func TestCRL_OddInvalidityDatesAreLeftOut(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.Ed25519)
	der, err := authority.SignCRL(crlRequest([]ca.Revocation{
		{Serial: big.NewInt(5), RevokedAt: epoch, Reason: ca.KeyCompromise, InvalidityDate: epoch},
	}))
	if err != nil {
		t.Fatal(err)
	}
	good := []byte("\x04\x11\x18\x0f20260304050607Z")
	for _, test := range []struct {
		name, text string
		want       time.Time
	}{
		{"as it was", string(good), epoch},
		{"in the year 1200", "\x04\x11\x18\x0f12000304050607Z", time.Time{}},
		{"in the 13th month", "\x04\x11\x18\x0f20261304050607Z", time.Time{}},
		{"a text", "\x04\x11\x13\x0f20260304050607Z", time.Time{}},
		{"a damaged element", "\x04\x11\x18\x7f20260304050607Z", time.Time{}},
	} {
		list, err := ca.ParseCRL(bytes.Replace(der, good, []byte(test.text), 1))
		if err != nil {
			t.Fatal(test.name, err)
		}
		entries := list.Revocations()
		if len(entries) != 1 || entries[0].Reason != ca.KeyCompromise || !entries[0].InvalidityDate.Equal(test.want) {
			t.Errorf("%s: %+v", test.name, entries)
		}
	}
}
