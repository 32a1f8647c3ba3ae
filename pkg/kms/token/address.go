package token

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// address is what the URI of a store says.
type address struct {
	uri    kms.URI
	module string // the path of the library
	pin    string // the path of the file with the PIN; empty: the token wants none
}

// readAddress reads the URI of a store: exactly one of token, serial and slot-id says which token
// it is. Errors: [kms.ErrURI].
func readAddress(uri kms.URI) (a address, err error) {
	a.uri = uri
	if uri.Query("pin-value") != "" {
		return a, fmt.Errorf("%w: a PIN has no place in it: put it into a file, with pin-source=file:/…", kms.ErrURI)
	}
	err = uri.Only([]string{"token", "serial", "slot-id"}, []string{"module-path", "pin-source"})
	if err != nil {
		return a, err
	}
	selected := 0
	for _, name := range []string{"token", "serial", "slot-id"} {
		if uri.Get(name) != "" {
			selected++
		}
	}
	if selected != 1 {
		return a, fmt.Errorf("%w: a store has one of the attributes token, serial and slot-id", kms.ErrURI)
	}
	if a.module = uri.Query("module-path"); !filepath.IsAbs(a.module) {
		return a, fmt.Errorf("%w: module-path is the absolute path of the library of the token", kms.ErrURI)
	}
	if source := uri.Query("pin-source"); source != "" {
		a.pin = strings.TrimPrefix(strings.TrimPrefix(source, "file:"), "//")
		if !filepath.IsAbs(a.pin) {
			return a, fmt.Errorf("%w: pin-source is file: and the absolute path of a file", kms.ErrURI)
		}
	}
	return a, nil
}
