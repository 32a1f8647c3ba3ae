package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func crlRequest(revocations []ca.Revocation) ca.CRLRequest {
	thisUpdate, nextUpdate := ca.CRLWindow(epoch, 7*24*time.Hour)
	return ca.CRLRequest{
		Number: big.NewInt(42), ThisUpdate: thisUpdate, NextUpdate: nextUpdate, Revocations: revocations,
	}
}

func signCRL(t testing.TB, authority *ca.Authority, revocations []ca.Revocation) *x509.RevocationList {
	t.Helper()
	der, err := authority.SignCRL(crlRequest(revocations))
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSignCRL_SaysWhatTheStandardLibraryWouldSay(t *testing.T) {
	t.Parallel()
	authorities := []*ca.Authority{
		newRoot(t, ca.ECDSAP256), newRoot(t, ca.ECDSAP384), newRoot(t, ca.Ed25519), newRoot(t, ca.RSA2048),
	}
	rapid.Check(t, func(t *rapid.T) {
		authority := rapid.SampledFrom(authorities).Draw(t, "authority")
		req := drawCRL(t)
		ours, err := authority.SignCRL(partlyEncoded(t, req))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := x509.CreateRevocationList(rand.Reader, stdTemplate(req), authority.Certificate, authority.Signer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x509.ParseRevocationList(ours)
		if err != nil {
			t.Fatal(err)
		}
		want, err := x509.ParseRevocationList(theirs)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.RawTBSRevocationList, want.RawTBSRevocationList) ||
			got.SignatureAlgorithm != want.SignatureAlgorithm {
			t.Fatalf("ours   %x\ntheirs %x", ours, theirs)
		}
		if err := got.CheckSignatureFrom(authority.Certificate); err != nil {
			t.Fatal(err)
		}
	})
}

func drawCRL(t *rapid.T) ca.CRLRequest {
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		zone := time.FixedZone("zone", 3600*rapid.IntRange(-12, 12).Draw(t, "zone"))
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), 5).In(zone)
	})
	req := ca.CRLRequest{
		Number:     new(big.Int).SetBytes(append([]byte{1}, rapid.SliceOfN(rapid.Byte(), 0, 18).Draw(t, "number")...)),
		ThisUpdate: instant.Draw(t, "thisUpdate"),
	}
	req.NextUpdate = req.ThisUpdate.Add(time.Hour)
	for _, serial := range rapid.SliceOfNDistinct(rapid.Uint64Range(1, 1<<63), 0, 20, rapid.ID[uint64]).
		Draw(t, "serials") {
		req.Revocations = append(req.Revocations, ca.Revocation{
			Serial:    new(big.Int).Lsh(new(big.Int).SetUint64(serial), rapid.UintRange(0, 90).Draw(t, "shift")),
			RevokedAt: instant.Draw(t, "revokedAt"),
			Reason:    rapid.SampledFrom([]ca.Reason{0, 1, 2, 3, 4, 5, 6, 9, 10}).Draw(t, "reason"),

			InvalidityDate: rapid.OneOf(rapid.Just(time.Time{}), instant).Draw(t, "invalid since"),
		})
	}
	seen := map[string]bool{}
	for i, revocation := range req.Revocations { // shifting may have made two equal
		if key := revocation.Serial.String(); seen[key] {
			req.Revocations = req.Revocations[:i]
			break
		} else {
			seen[key] = true
		}
	}
	return req
}

func stdTemplate(req ca.CRLRequest) *x509.RevocationList {
	list := &x509.RevocationList{Number: req.Number, ThisUpdate: req.ThisUpdate, NextUpdate: req.NextUpdate}
	for _, r := range req.Revocations {
		entry := x509.RevocationListEntry{
			SerialNumber: r.Serial, RevocationTime: r.RevokedAt, ReasonCode: int(r.Reason),
		}
		if !r.InvalidityDate.IsZero() {
			value, err := asn1.MarshalWithParams(r.InvalidityDate.UTC(), "generalized")
			if err != nil {
				panic(err)
			}
			entry.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 24}, Value: value}}
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, entry)
	}
	return list
}

func TestSignCRL_HasNoOtherExtensions(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	list := signCRL(t, authority, []ca.Revocation{{Serial: big.NewInt(5), RevokedAt: epoch, Reason: 1}})
	var got []string
	for _, extension := range list.Extensions {
		got = append(got, asn1.ObjectIdentifier(extension.Id).String())
	}
	if diff := cmp.Diff([]string{"2.5.29.35", "2.5.29.20"}, got); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(list.AuthorityKeyId, authority.Certificate.SubjectKeyId) || list.Number.Int64() != 42 {
		t.Errorf("authority key %x, number %v", list.AuthorityKeyId, list.Number)
	}
}

// partlyEncoded encodes some of the last revocations of a request ahead.
func partlyEncoded(t *rapid.T, req ca.CRLRequest) ca.CRLRequest {
	plain := rapid.IntRange(0, len(req.Revocations)).Draw(t, "plain")
	for _, r := range req.Revocations[plain:] {
		entry, err := ca.EncodeRevocation(r)
		if err != nil {
			t.Fatal(err)
		}
		req.Encoded = append(req.Encoded, entry)
	}
	req.Revocations = req.Revocations[:plain]
	return req
}

func TestEncodeRevocation_Refuses(t *testing.T) {
	t.Parallel()
	for _, r := range []ca.Revocation{
		{RevokedAt: epoch}, {Serial: big.NewInt(1)},
		{Serial: big.NewInt(1), RevokedAt: epoch, Reason: ca.RemoveFromCRL},
	} {
		entry, err := ca.EncodeRevocation(r)
		wantError(t, err, ca.ErrInvalidRequest)
		if entry != "" {
			t.Errorf("%+v has an entry beside the error", r)
		}
	}
}

func TestSignCRL_Refuses(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	long := new(big.Int).Lsh(big.NewInt(1), 65*8)
	tests := []struct {
		name   string
		change func(*ca.CRLRequest)
	}{
		{"no number", func(r *ca.CRLRequest) { r.Number = nil }},
		{"number zero", func(r *ca.CRLRequest) { r.Number = new(big.Int) }},
		{"a number of 66 octets", func(r *ca.CRLRequest) { r.Number = long }},
		{"an empty window", func(r *ca.CRLRequest) { r.NextUpdate = r.ThisUpdate.Add(time.Millisecond) }},
		{"no window", func(r *ca.CRLRequest) { r.ThisUpdate, r.NextUpdate = time.Time{}, time.Time{} }},
		{"the year 10000", func(r *ca.CRLRequest) { r.NextUpdate = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"a serial twice", func(r *ca.CRLRequest) { r.Revocations[1].Serial = big.NewInt(1) }},
		{"an odd serial twice", func(r *ca.CRLRequest) {
			r.Revocations[0].Serial, r.Revocations[1].Serial = big.NewInt(-1), big.NewInt(-1)
		}},
		{"no serial", func(r *ca.CRLRequest) { r.Revocations[1].Serial = nil }},
		{"a serial of 66 octets", func(r *ca.CRLRequest) { r.Revocations[1].Serial = long }},
		{"no date", func(r *ca.CRLRequest) { r.Revocations[1].RevokedAt = time.Time{} }},
		{"reason 7", func(r *ca.CRLRequest) { r.Revocations[1].Reason = 7 }},
		{"removeFromCRL", func(r *ca.CRLRequest) { r.Revocations[1].Reason = 8 }},
		{"reason 11", func(r *ca.CRLRequest) { r.Revocations[1].Reason = 11 }},
		{"reason -1", func(r *ca.CRLRequest) { r.Revocations[1].Reason = -1 }},
		{"invalid since the year 1", func(r *ca.CRLRequest) {
			r.Revocations[1].InvalidityDate = time.Time{}.Add(time.Hour)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := crlRequest(
				[]ca.Revocation{{Serial: big.NewInt(1), RevokedAt: epoch}, {Serial: big.NewInt(2), RevokedAt: epoch}},
			)
			test.change(&req)
			der, err := authority.SignCRL(req)
			wantError(t, err, ca.ErrInvalidRequest)
			if der != nil {
				t.Error("there is a CRL beside the error")
			}
		})
	}
}

func TestCRLDue(t *testing.T) {
	t.Parallel()
	thisUpdate, nextUpdate := ca.CRLWindow(epoch.Add(time.Millisecond), 5*time.Hour)
	if !thisUpdate.Equal(epoch.Add(-time.Hour)) || !nextUpdate.Equal(epoch.Add(5*time.Hour)) {
		t.Fatalf("window is %v to %v", thisUpdate, nextUpdate)
	}
	for offset, want := range map[time.Duration]bool{
		0: false, 3*time.Hour - time.Second: false, 3 * time.Hour: true, 9 * time.Hour: true,
	} {
		if got := ca.CRLDue(thisUpdate, nextUpdate, epoch.Add(offset)); got != want {
			t.Errorf("due after %v: %v", offset, got)
		}
	}
}

func TestParseCRL_Refuses(t *testing.T) {
	t.Parallel()
	der, err := newRoot(t, ca.ECDSAP256).SignCRL(crlRequest(nil))
	if err != nil {
		t.Fatal(err)
	}
	pem := ca.EncodeCRLPEM(der)
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":           {nil, ca.ErrContent},
		"trailing data":     {append(bytes.Clone(der), 0), ca.ErrMalformed},
		"two of them":       {append(bytes.Clone(pem), pem...), ca.ErrMultiple},
		"another PEM block": {ca.EncodeCertificatePEM(der), ca.ErrOtherPEM},
		"a cut one":         {der[:len(der)-1], ca.ErrContent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ca.ParseCRL(test.data)
			wantError(t, err, test.want)
		})
	}
}

func TestSerial(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "raw")
		serial := new(big.Int).SetBytes(raw)
		if rapid.Bool().Draw(t, "negative") {
			serial.Neg(serial)
		}
		text := ca.FormatSerial(serial)
		if len(strings.TrimPrefix(text, "-"))%2 != 0 {
			t.Fatalf("%q has an odd length", text)
		}
		back, err := ca.ParseSerial(text)
		if err != nil || back.Cmp(serial) != 0 {
			t.Fatalf("%q became %v, %v", text, back, err)
		}
	})
	for _, text := range []string{
		"", "-", "--1", "+1", "0x1", "xyz", "1 ", "a:b", "1" + string(bytes.Repeat([]byte("0"), 128)),
	} {
		_, err := ca.ParseSerial(text)
		wantError(t, err, ca.ErrMalformed)
	}
	if got, err := ca.ParseSerial("ABC"); err != nil || ca.FormatSerial(got) != "0abc" || ca.FormatSerial(nil) != "" {
		t.Errorf("%v, %v", got, err)
	}
}
