package domain

import (
	"errors"
	"path"
	"strings"
	"time"
)

// ForeignPKI is what was found of a CA that was run elsewhere, as it was found.
type ForeignPKI struct {
	CA           []byte // PEM; nil: it is one of the certificates
	CAKey        Secret // PEM; empty: it is one of the keys
	CRLs         []ForeignPart
	Certificates []ForeignPart
	Keys         []ForeignPart
	Index        []IndexRow
	Bundles      []ForeignPart // PKCS #12 files (RFC 7292), as they are: not in PEM
	Static       []string      // files with keys of OpenVPN's control channel
	Faults       []ForeignFault
}

// ForeignPart is one PEM block of a file, or a PKCS #12 file.
type ForeignPart struct {
	Path     string
	PEM      Secret
	Password Secret         // of a key or a PKCS #12 file; empty: see PKIImport.PasswordOf
	Says     *ForeignClient // what the caller says of a certificate; nil: nothing
}

// ForeignClient is what a caller says of the client of a certificate.
type ForeignClient struct {
	Email       string // empty: that of the certificate
	Description string
	Revoked     bool
	RevokedAt   *time.Time // nil: now
}

// Validate joins the faults of the fields.
func (c ForeignClient) Validate(now time.Time) error {
	return errors.Join(
		checkEmail(c.Email), checkDescription(c.Description), checkRevokedDate(c.Revoked, c.RevokedAt, now),
	)
}

// ForeignFault says that a file could not be read.
type ForeignFault struct {
	Path string
	Err  error
}

// IndexRow is a row of an OpenSSL index (openssl-ca(1)), in which a CA keeps its certificates.
type IndexRow struct {
	Path       string // with the number of the line
	Name       string // the common name
	Serial     string // in hex
	RevokedAt  time.Time
	Revocation RevocationSpec
	NotAfter   time.Time
}

// PKIImport is what is asked of the import of a ForeignPKI. The name and the e-mail address are for
// a CA that is not known yet; empty, they are taken from its certificate.
type PKIImport struct {
	ForeignPKI
	CAID        int64 // the CA that must have signed; 0: that of the PKI, known or new
	Name        string
	Email       string
	CAPassword  Secret            // of the CA's key
	KeyPassword Secret            // of all other keys and PKCS #12 files that are encrypted
	Passwords   map[string]Secret // of single ones, by path or by name without folder and extension
	DryRun      bool              // report, and change nothing
	Partial     bool              // leave out what is at fault, and import the rest
	// Strict makes a fault of a certificate that another CA has signed, and of one that is a
	// client's by its purpose but not accepted as one. Otherwise the former is left out, and the
	// latter known as one of no client.
	Strict bool
	// Listed says that the caller has named each certificate with its key, in a Path that both
	// have, so that a key that does not belong to it, or can't be opened, is a fault.
	Listed bool
}

// PasswordOf returns the password for a key or a PKCS #12 file: its own, that of its path, that of
// its base name, or the one for all.
func (i *PKIImport) PasswordOf(part ForeignPart) Secret {
	base := path.Base(part.Path)
	for _, one := range []Secret{
		part.Password, i.Passwords[part.Path], i.Passwords[base], i.Passwords[strings.TrimSuffix(base, path.Ext(base))],
	} {
		if one != "" {
			return one
		}
	}
	return i.KeyPassword
}
