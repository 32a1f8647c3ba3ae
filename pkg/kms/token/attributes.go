//go:build pkcs11 && cgo

package token

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// slot returns the number of the slot, if that says which token it is.
func (a address) slot() (*int, error) {
	text := a.uri.Get("slot-id")
	if text == "" {
		return nil, nil
	}
	number, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%w: slot-id is no number", kms.ErrURI)
	}
	slot := int(number)
	return &slot, nil
}

// maxPIN bounds the file of a PIN.
const maxPIN = 1024

// readPIN reads the first line of the file.
func (a address) readPIN() (string, error) {
	if a.pin == "" {
		return "", nil
	}
	text, err := os.ReadFile(a.pin)
	if err != nil {
		return "", fmt.Errorf("%w: the PIN can't be read: %w", kms.ErrAway, errors.Unwrap(err))
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	if len(line) == 0 || len(line) > maxPIN {
		return "", fmt.Errorf("%w: the first line of the file of the PIN is empty, or too long", kms.ErrAway)
	}
	return string(line), nil
}

// keyAttributes returns what says which key it is. Errors: [kms.ErrURI].
func (a address) keyAttributes(key kms.URI) (id, label []byte, err error) {
	err = key.Only([]string{"token", "serial", "slot-id", "object", "id", "type"}, nil)
	if err != nil {
		return nil, nil, err
	}
	if kind := key.Get("type"); kind != "" && kind != "private" && kind != "secret-key" {
		return nil, nil, fmt.Errorf("%w: type is private, or secret-key, for a key that signs or wraps", kms.ErrURI)
	}
	id, label = []byte(key.Get("id")), []byte(key.Get("object"))
	if len(id) == 0 && len(label) == 0 {
		return nil, nil, fmt.Errorf("%w: it has neither object nor id", kms.ErrURI)
	}
	return id, label, nil
}
