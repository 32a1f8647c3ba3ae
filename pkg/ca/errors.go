package ca

import "errors"

// The faults a caller can tell apart with [errors.Is]. They arrive wrapped
// with a detail that names the place of the fault and never quotes the input,
// so their text may be shown to the client that sent it.
var (
	// ErrMalformed: the input is not the format it should be, or is too large.
	ErrMalformed = errors.New("malformed input")
	// ErrMultiple: one object was expected and several were given.
	ErrMultiple = errors.New("more than one object given")
	// ErrWeakKey: the key is breakable (RSA below 2048 bits, P-224).
	ErrWeakKey = errors.New("key is too weak")
	// ErrUnsupportedKey: a key type, curve or size this package does not use.
	ErrUnsupportedKey = errors.New("unsupported kind of key")
	// ErrWeakSignature: the certificate is signed over MD5 or SHA-1.
	ErrWeakSignature = errors.New("signature algorithm is too weak")
	// ErrKeyMismatch: private key and certificate do not belong together.
	ErrKeyMismatch = errors.New("private key does not belong to the certificate")
	// ErrPossession: a signing request is not signed by the key it carries.
	ErrPossession = errors.New("request is not signed by its own key")
	// ErrNotCA: the certificate cannot act as a certificate authority.
	ErrNotCA = errors.New("not a usable CA certificate")
	// ErrIsCA: a CA certificate was given where a client's is needed.
	ErrIsCA = errors.New("certificate is a CA certificate")
	// ErrNotSignedByCA: the certificate does not come from this authority.
	ErrNotSignedByCA = errors.New("certificate is not signed by this CA")
	// ErrCritical: an extension is critical and not understood.
	ErrCritical = errors.New("critical extension not understood")
	// ErrNotClient: the certificate's extended key usage excludes TLS clients.
	ErrNotClient = errors.New("certificate is not usable by a client")
	// ErrPasswordRequired: the key is encrypted and no password was given.
	ErrPasswordRequired = errors.New("key is encrypted, a password is required")
	// ErrWrongPassword: the password does not open the key.
	ErrWrongPassword = errors.New("wrong password")
	// ErrUnsupportedEncryption: the key is encrypted in a way that is not read.
	ErrUnsupportedEncryption = errors.New("unsupported key encryption")
	// ErrInvalidRequest: a request to issue or sign contradicts itself or its
	// profile (no common name, empty validity, bad CRL number and the like).
	ErrInvalidRequest = errors.New("invalid request")
	// ErrSelfIssued: a certificate would have the subject of its CA.
	ErrSelfIssued = errors.New("the subject is the CA's own")
	// ErrBeyondCA: a validity would end after the authority's own.
	ErrBeyondCA = errors.New("validity reaches beyond the CA's own")
	// ErrConstrained: the name constraints of a CA do not allow a name.
	ErrConstrained = errors.New("the CA's name constraints do not allow the name")
	// ErrOtherSubject: the next certificate of a CA has another subject or key identifier.
	ErrOtherSubject = errors.New("the certificate has another subject or key identifier")
	// ErrPathLength: a CA allows no or fewer CAs below it.
	ErrPathLength = errors.New("the path length of the CA does not allow that")
	// ErrNoIssuer: the certificate of a CA that another one names as its issuer is missing.
	ErrNoIssuer = errors.New("the issuer's certificate is missing")
	// ErrUnrelated: a certificate was given that has no place in the chain.
	ErrUnrelated = errors.New("a certificate is not part of the chain")
	// ErrRedeemed: a prepared certificate was signed before.
	ErrRedeemed = errors.New("the certificate was signed already")
	// ErrLongNumber: a number in a CRL is longer than the CA's own lists could
	// carry, so none could be signed any more.
	ErrLongNumber = errors.New("a number in the list is too long")
	// ErrSelfCheck: what was signed is not what was asked. Never the user's
	// fault: a faulty signer, or a defect of this package.
	ErrSelfCheck = errors.New("self-check after signing failed")
)
