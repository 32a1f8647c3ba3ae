//go:build !pkcs11 || !cgo

package token

import (
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// Open fails: this program was built without what calls the library of a token.
func Open(store kms.URI) (kms.Provider, error) {
	if _, err := readAddress(store); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf(
		"%w: this program was built without PKCS#11: use chaveiro-pkcs11, which `make build-pkcs11` builds",
		kms.ErrUnsupported,
	)
}
