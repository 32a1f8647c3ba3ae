//go:build !pkcs11 || !cgo

package token_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/token"
)

// TestOpen_Without: a program without PKCS#11 says so, and refuses what no program takes.
func TestOpen_Without(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"pkcs11:token=chaveiro?module-path=/x.so&pin-source=file:/pin": kms.ErrUnsupported,
		"pkcs11:token=chaveiro?module-path=/x.so&pin-value=1234":       kms.ErrURI,
		"pkcs11:token=chaveiro?module-path=x.so":                       kms.ErrURI,
		"pkcs11:token=a;serial=b?module-path=/x.so":                    kms.ErrURI,
		"pkcs11:model=x?module-path=/x.so":                             kms.ErrURI,
	} {
		uri, err := kms.ParseURI(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.Open(uri); !errors.Is(err, want) || strings.Contains(err.Error(), "1234") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
