package ca

import "fmt"

// The longest passwords that OpenVPN 2.6 reads, in octets. It cuts longer ones off, and then the
// key can't be opened: OpenSSL has 1024 octets with the final zero for the password of a PEM key,
// and OpenVPN has 255 for that of a PKCS #12 file.
const (
	MaxKeyPassword    = 1023
	MaxPKCS12Password = 254
)

// PasswordError says that OpenVPN would cut a password off. It is [ErrInvalidRequest].
type PasswordError struct {
	Most int // octets of UTF-8
}

// Error implements error.
func (e *PasswordError) Error() string {
	return fmt.Sprintf("%v: the password has more than %d octets", ErrInvalidRequest, e.Most)
}

// Unwrap returns the kind of the fault.
func (e *PasswordError) Unwrap() error { return ErrInvalidRequest }

// CheckKeyPassword reports whether OpenVPN can open a key that is encrypted with a password. It
// fails with [ErrPasswordRequired] for an empty one, and with a [PasswordError]. Not everyone who
// encrypts a key needs OpenVPN to read it, so [EncryptPrivateKey] doesn't call it.
func CheckKeyPassword(password string) error {
	if password == "" {
		return ErrPasswordRequired
	}
	return checkLength(password, MaxKeyPassword)
}

func checkLength(password string, most int) error {
	if len(password) > most {
		return &PasswordError{Most: most}
	}
	return nil
}
