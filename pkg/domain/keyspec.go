package domain

import "errors"

// KeySpec is what is asked of the key of a certificate: it is made here, or it is that of a request
// (PKCS #10) and stays where it is.
type KeySpec struct {
	Algorithm string // empty: the default
	Password  Secret // encrypts the private key; empty: none
	Request   []byte // PEM
}

// CheckRequest refuses what is said about a key that is not made here.
func (s KeySpec) CheckRequest() error {
	var algorithm, password error
	if s.Algorithm != "" {
		algorithm = Fault(Invalid, "key_algorithm", ReasonOfRequest)
	}
	if s.Password != "" {
		password = Fault(Invalid, "password", ReasonOfRequest)
	}
	return errors.Join(algorithm, password)
}
