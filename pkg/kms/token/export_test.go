//go:build pkcs11 && cgo

package token

import "github.com/chaveiro/chaveiro/pkg/kms"

// FlagsOf are what the token of a store says of itself.
func FlagsOf(store kms.URI) (uint, error) {
	a, err := readAddress(store)
	if err != nil {
		return 0, err
	}
	return a.flags()
}

// RefusalBy is why a token with these flags is not tried.
var RefusalBy = refusalBy
