package ca

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Profile says what all certificates of one kind have in common (RFC 5280,
// section 4.2.1).
type Profile struct {
	IsCA        bool
	KeyUsage    x509.KeyUsage
	RSAKeyUsage x509.KeyUsage // added for an RSA key
	ExtKeyUsage []x509.ExtKeyUsage
	Extensions  []pkix.Extension // besides those that all certificates have
	NamesOCSP   bool             // it says where its status is, if the CA knows
	// MaxLife is how long a certificate may be valid.
	MaxLife time.Duration
}

// The longest validity of a certificate; a server's is that of a client. It includes the minute
// before now at which a certificate begins, for clocks that are slow.
const (
	maxCALife     = 100 * 366 * 24 * time.Hour
	maxClientLife = 20 * 366 * 24 * time.Hour
)

// caProfile is of CAs, which sign certificates and revocation lists.
var caProfile = Profile{IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, MaxLife: maxCALife}

// clientProfile is of OpenVPN's clients: a client must never pass for a server.
var clientProfile = Profile{
	KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	NamesOCSP: true, MaxLife: maxClientLife,
}

// serverProfile is of OpenVPN's servers. TLS 1.2 with RSA may encrypt with the server's key.
var serverProfile = Profile{
	KeyUsage: x509.KeyUsageDigitalSignature, RSAKeyUsage: x509.KeyUsageKeyEncipherment,
	ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NamesOCSP: true, MaxLife: maxClientLife,
}

// Prepared is a certificate that was checked, and lacks its key and its signature. It is signed
// once, because its serial number was made for one certificate.
type Prepared struct {
	authority *Authority // nil: it signs itself
	profile   Profile
	template  *x509.Certificate
	redeemed  atomic.Bool // set by the first call that signs it, and never cleared
}

// wanted is what differs from one certificate of a profile to the next.
type wanted struct {
	subject             Subject
	names               AltNames // beside the mail address of the subject
	pathLength          int      // of a CA
	notBefore, notAfter time.Time
	like                *x509.Certificate // a CA whose restrictions it takes over; nil: none
}

// prepare checks everything but the key. It fails with [ErrInvalidRequest].
func (p Profile) prepare(authority *Authority, w wanted) (*Prepared, error) {
	notBefore, notAfter, err := p.period(w.notBefore, w.notAfter)
	if err != nil {
		return nil, err
	}
	if w.pathLength < 0 {
		return nil, fmt.Errorf("%w: the path length is negative", ErrInvalidRequest)
	}
	if w.subject.CommonName == "" && len(w.names.DNS)+len(w.names.IPs) == 0 {
		return nil, fmt.Errorf("%w: the subject has no common name", ErrInvalidRequest)
	}
	if err := w.subject.validate(); err != nil {
		return nil, err
	}
	rawSubject, err := w.subject.rawName()
	if err != nil {
		return nil, err
	}
	extensions := p.Extensions
	if w.like != nil {
		extensions = restrictions(w.like)
	}
	var ocsp []string
	if p.NamesOCSP && authority.OCSP != "" {
		ocsp = []string{authority.OCSP}
	}
	return &Prepared{authority: authority, profile: p, template: &x509.Certificate{
		ExtraExtensions:       extensions,
		OCSPServer:            ocsp,
		SerialNumber:          newSerial(),
		RawSubject:            rawSubject,
		EmailAddresses:        w.subject.emails(),
		DNSNames:              slices.Clone(w.names.DNS),
		IPAddresses:           w.names.netIPs(),
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		BasicConstraintsValid: true,
		IsCA:                  p.IsCA,
		MaxPathLen:            w.pathLength,
		MaxPathLenZero:        p.IsCA && w.pathLength == 0,
		KeyUsage:              p.KeyUsage,
		ExtKeyUsage:           p.ExtKeyUsage,
	}}, nil
}

// period cuts a validity to whole seconds. It fails with [ErrInvalidRequest].
func (p Profile) period(notBefore, notAfter time.Time) (from, to time.Time, err error) {
	from, to = notBefore.UTC().Truncate(time.Second), notAfter.UTC().Truncate(time.Second)
	if !from.Before(to) || !Representable(from) || !Representable(to) {
		return from, to, fmt.Errorf("%w: the validity is empty or not representable", ErrInvalidRequest)
	}
	if to.Sub(from) > p.MaxLife {
		return from, to, fmt.Errorf("%w: the validity is longer than %d days", ErrInvalidRequest, p.MaxLife/(24*time.Hour))
	}
	return from, to, nil
}

// redeem returns the template for a key; the second time it fails with
// [ErrRedeemed].
func (p *Prepared) redeem(key crypto.PublicKey) (*x509.Certificate, error) {
	if _, err := AlgorithmOf(key); err != nil {
		return nil, err
	}
	id, err := keyID(key)
	if err != nil {
		return nil, err
	}
	if !p.redeemed.CompareAndSwap(false, true) {
		return nil, ErrRedeemed
	}
	if _, ok := key.(*rsa.PublicKey); ok {
		p.template.KeyUsage |= p.profile.RSAKeyUsage
	}
	p.template.PublicKey, p.template.SubjectKeyId = key, id
	return p.template, nil
}

// PrepareClient checks all that can be checked before there is a key. It fails
// with [ErrInvalidRequest], a [ConstraintError], [ErrSelfIssued] or [ErrBeyondCA].
func (a *Authority) PrepareClient(req ClientRequest) (*Prepared, error) {
	return a.prepareUnder(
		clientProfile, wanted{subject: req.Subject, notBefore: req.NotBefore, notAfter: req.NotAfter},
	)
}

// window moves the beginning of a validity up to the CA's own. It fails with [ErrBeyondCA].
func (a *Authority) window(notBefore, notAfter time.Time) (time.Time, error) {
	own := a.Certificate
	if notAfter.After(own.NotAfter) {
		return notBefore, fmt.Errorf("%w: the CA expires on %s", ErrBeyondCA, own.NotAfter.UTC().Format(time.DateOnly))
	}
	if notBefore.Before(own.NotBefore) {
		return own.NotBefore, nil
	}
	return notBefore, nil
}

// prepareUnder prepares a certificate that this authority issues.
func (a *Authority) prepareUnder(p Profile, w wanted) (*Prepared, error) {
	var err error
	if w.notBefore, err = a.window(w.notBefore, w.notAfter); err != nil {
		return nil, err
	}
	prepared, err := p.prepare(a, w)
	if err != nil {
		return nil, err
	}
	if sameName(prepared.template.RawSubject, a.Certificate.RawSubject) {
		// It would be self-issued (RFC 5280, section 3.2). OpenSSL takes such a
		// certificate for a self-signed one and refuses it when it does not
		// look at key identifiers; other libraries never look at them.
		return nil, ErrSelfIssued
	}
	if err := checkConstraints(a.Certificate, prepared.template); err != nil {
		return nil, err
	}
	return prepared, nil
}

// Issue signs what [Authority.PrepareClient], [Authority.PrepareServer] or
// [Authority.PrepareCA] has prepared, for a key. It fails with [ErrWeakKey], [ErrUnsupportedKey],
// [ErrRedeemed], or, if the outcome is not what was asked, [ErrSelfCheck].
func (p *Prepared) Issue(key crypto.PublicKey) (*x509.Certificate, error) {
	return p.IssueWithin(context.Background(), key)
}

// IssueWithin is [Prepared.Issue] for one caller, with whose context a signature by a
// [CallerSigner] ends.
func (p *Prepared) IssueWithin(ctx context.Context, key crypto.PublicKey) (*x509.Certificate, error) {
	template, err := p.issued(key)
	if err != nil {
		return nil, err
	}
	return sign(template, p.authority.Certificate, p.authority.Within(ctx).Signer)
}

// issued returns the template with all that the issuer adds.
func (p *Prepared) issued(key crypto.PublicKey) (*x509.Certificate, error) {
	template, err := p.redeem(key)
	if err != nil {
		return nil, err
	}
	issuer := p.authority.Certificate
	template.RawIssuer = issuer.RawSubject
	template.SignatureAlgorithm = signatureAlgorithm(issuer.PublicKey)
	template.AuthorityKeyId, err = p.authority.keyID()
	return template, err
}

// PrepareRoot checks all of a CA that can be checked before there is a key. It
// fails with [ErrInvalidRequest].
func PrepareRoot(req RootRequest) (*Prepared, error) {
	return caProfile.prepare(nil, wanted{
		subject: req.Subject, pathLength: req.PathLength, notBefore: req.NotBefore, notAfter: req.NotAfter,
		like: req.Like,
	})
}

// SelfSign signs what [PrepareRoot] has prepared, with the key itself. It fails
// as [Prepared.Issue] does.
func (p *Prepared) SelfSign(signer crypto.Signer) (*Authority, error) {
	template, err := p.redeem(signer.Public())
	if err != nil {
		return nil, err
	}
	template.AuthorityKeyId = template.SubjectKeyId
	template.RawIssuer = template.RawSubject
	template.SignatureAlgorithm = signatureAlgorithm(signer.Public())
	cert, err := sign(template, template, signer)
	if err != nil {
		return nil, err
	}
	return NewAuthority(cert, signer)
}
