package domain

import "time"

// ForeignPKI is what was found of a CA that was run elsewhere, as it was found.
type ForeignPKI struct {
	CA           []byte // PEM; nil: it is one of the certificates
	CAKey        Secret // PEM; empty: it is one of the keys
	CRLs         []ForeignPart
	Certificates []ForeignPart
	Keys         []ForeignPart
	Index        []IndexRow
	Static       []string // files with static keys of OpenVPN
	Faults       []ForeignFault
}

// ForeignPart is one PEM block of a file.
type ForeignPart struct {
	Path string
	PEM  Secret
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
	Name        string
	Email       string
	CAPassword  Secret // of the CA's key
	KeyPassword Secret // of all other keys that are encrypted
	DryRun      bool   // report, and change nothing
	Partial     bool   // leave out what is at fault, and import the rest
}
