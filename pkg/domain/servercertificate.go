package domain

import "errors"

// ServerSpec is what is asked of the certificate of an OpenVPN server. AltNames are host names and
// addresses; without any the name is one, if it is a host name.
type ServerSpec struct {
	CAID         int64
	Name         string
	AltNames     []string
	Subject      Subject
	Password     Secret // of the private key; empty: none
	Expiration   *int   // days; nil: DefaultClientLife, or until the CA ends
	KeyAlgorithm string // empty: the default
	Request      []byte // PKCS #10 in PEM, with the key; empty: a key is made
}

// Key returns what is asked of the key.
func (s ServerSpec) Key() KeySpec { return KeySpec{s.KeyAlgorithm, s.Password, s.Request} }

// CertificateImport is a certificate that was made elsewhere and belongs to no client.
type CertificateImport struct {
	CAID        int64
	Certificate []byte // PEM
	Key         Secret // PEM; empty: it is not kept here
	Password    Secret // of the key
}

// Validate joins the faults of all fields but the names, which the ca package checks.
func (s ServerSpec) Validate() error {
	return errors.Join(
		CheckCAName("name", s.Name),
		s.Subject.Validate(),
		checkText("password", string(s.Password), MaxPassword, false),
		checkLife(s.Expiration, MaxClientLife),
	)
}
