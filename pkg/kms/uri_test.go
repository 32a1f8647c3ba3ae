package kms_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

func TestParseURI(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"pkcs11:":                             "",
		"pkcs11:object=my-pubkey;type=public": "",
		"pkcs11:object=my-key;type=private?pin-source=file:/etc/token": "",
		"pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin": "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;id=%69%95%3e%5c%f4%bd%ec%91;serial=?pin-source=file:/etc/token_pin",
		"PKCS11:id=ab": "pkcs11:id=%61%62",
		"pkcs11:token=a%20token%25%20created%20by%20Joe?module-path=/usr/lib/x.so&pin-source=file:/p": "",
		"transit:mount=transit;name=ca;version=2":                                                     "",
	} {
		if want == "" {
			want = text
		}
		uri, err := kms.ParseURI(text)
		if err != nil || uri.String() != want {
			t.Errorf("%s is read as %s, %v", text, uri, err)
		}
	}
	for _, text := range []string{
		"", "ca.key", "/etc/ca.key", "pkcs11", ":object=x", "pkcs11:object", "pkcs11:object=a;object=b", "pkcs11:object=a b",
		"pkcs11:object=a/b", "pkcs11:object=%4", "pkcs11:object=%zz", "pkcs11:object=ação", "pkcs11:object=x?pin-source",
		"pkcs11:object=x?a=1&a=2", "pkcs11:object=x;", "pkcs 11:object=x", "pkcs11:object=" + strings.Repeat("x", 1024),
		"pkcs11:object=\n", "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----",
	} {
		if uri, err := kms.ParseURI(text); !errors.Is(err, kms.ErrURI) || strings.Contains(err.Error(), "MC4C") {
			t.Errorf("%q is read as %s, %v", text, uri, err)
		}
	}
}

func TestURI_Within(t *testing.T) {
	t.Parallel()
	store := mustURI(t, "pkcs11:token=chaveiro?module-path=/x.so")
	for text, want := range map[string]bool{
		"pkcs11:token=chaveiro;object=ca":          true,
		"pkcs11:object=ca;token=chaveir%6f":        true,
		"pkcs11:object=ca":                         false,
		"pkcs11:token=other;object=ca":             false,
		"transit:token=chaveiro;object=ca":         false,
		"pkcs11:token=chaveiro-2;object=ca;id=%01": false,
	} {
		if got := mustURI(t, text).Within(store); got != want {
			t.Errorf("%s in %s: %v", text, store, got)
		}
	}
	key := store.Key("object", "ca;1?", "token", "chaveiro", "id", "\x00\xff")
	if got := key.String(); got != "pkcs11:token=chaveiro;object=ca%3b1%3f;id=%00%ff" {
		t.Error(got)
	}
}

func mustURI(t *testing.T, text string) kms.URI {
	t.Helper()
	uri, err := kms.ParseURI(text)
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

func FuzzParseURI(f *testing.F) {
	f.Add("pkcs11:token=chaveiro;object=ca;id=%00?pin-source=file:/pin")
	f.Fuzz(func(t *testing.T, text string) {
		uri, err := kms.ParseURI(text)
		if err != nil {
			return
		}
		again, err := kms.ParseURI(uri.String())
		if len(uri.String()) <= 1024 && (err != nil || again.String() != uri.String()) {
			t.Errorf("%q becomes %q, then %q, %v", text, uri, again, err)
		}
	})
}
