package ca_test

import (
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// TestPrepared_Once: a serial number is for one certificate, whichever key comes second.
func TestPrepared_Once(t *testing.T) {
	t.Parallel()
	authority, one, other := newRoot(t, ca.ECDSAP256), newKey(t, ca.ECDSAP256), newKey(t, ca.Ed25519)
	prepared, err := authority.PrepareClient(ca.ClientRequest{
		Subject: ca.Subject{CommonName: "site-rio"}, NotBefore: epoch, NotAfter: epoch.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prepared.Issue("no key"); !errors.Is(err, ca.ErrUnsupportedKey) {
		t.Errorf("error is %v", err)
	}
	cert, err := prepared.Issue(one.Public()) // a key that is refused does not use it up
	if err != nil {
		t.Fatal(err)
	}
	verifyClient(t, authority, cert, epoch)
	for range 2 {
		if second, err := prepared.Issue(other.Public()); second != nil || !errors.Is(err, ca.ErrRedeemed) {
			t.Errorf("%v, error is %v", second, err)
		}
	}
	root, err := ca.PrepareRoot(
		ca.RootRequest{Subject: ca.Subject{CommonName: "root"}, NotBefore: epoch, NotAfter: epoch.Add(time.Hour)},
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.SelfSign(one); err != nil {
		t.Fatal(err)
	}
	if _, err := root.SelfSign(other); !errors.Is(err, ca.ErrRedeemed) {
		t.Errorf("error is %v", err)
	}
}

// TestProfile_Limits: no certificate lives longer than its profile allows, or has a date in a year
// that it can't encode.
func TestProfile_Limits(t *testing.T) {
	t.Parallel()
	const year = 366 * 24 * time.Hour
	for sentence, test := range map[string]struct {
		from time.Time
		life time.Duration
		good bool
	}{
		"a hundred years":            {epoch, 100 * year, true},
		"a second more":              {epoch, 100*year + time.Second, false},
		"nothing":                    {epoch, 0, false},
		"before there is a calendar": {time.Date(1949, 12, 31, 23, 59, 59, 0, time.UTC), year, false},
		"from the first second":      {time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), year, true},
		"past the last second":       {time.Date(9999, 12, 1, 0, 0, 0, 0, time.UTC), year, false},
	} {
		_, err := ca.PrepareRoot(
			ca.RootRequest{
				Subject: ca.Subject{CommonName: "root"}, NotBefore: test.from, NotAfter: test.from.Add(test.life),
			},
		)
		if test.good != (err == nil) || err != nil && !errors.Is(err, ca.ErrInvalidRequest) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	authority, err := ca.NewRoot(newKey(t, ca.ECDSAP256), ca.RootRequest{
		Subject: ca.Subject{CommonName: "root"}, NotBefore: epoch, NotAfter: epoch.Add(90 * year),
	})
	if err != nil {
		t.Fatal(err)
	}
	for life, good := range map[time.Duration]bool{20 * year: true, 20*year + time.Second: false} {
		_, err := authority.PrepareClient(
			ca.ClientRequest{Subject: ca.Subject{CommonName: "site-rio"}, NotBefore: epoch, NotAfter: epoch.Add(life)},
		)
		if good != (err == nil) || err != nil && !errors.Is(err, ca.ErrInvalidRequest) {
			t.Errorf("a client of %s: %v", life, err)
		}
	}
}

func TestRepresentable(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Time]bool{
		{}: false, time.Date(1949, 12, 31, 23, 59, 59, 0, time.UTC): false,
		time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC):      true,
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC): true, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC): false,
		time.Date(1949, 12, 31, 23, 0, 0, 0, time.FixedZone("", -3*3600)): true,
	} {
		if ca.Representable(at) != want {
			t.Errorf("%v", at)
		}
	}
}
