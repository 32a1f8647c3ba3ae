package pki

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// issuePlan is a certificate that can be issued as soon as there is a key.
type issuePlan struct {
	caID        int64
	authority   *ca.Authority
	key         domain.KeySpec
	algorithm   ca.KeyAlgorithm
	public      crypto.PublicKey // of a request; nil: a key is made
	now         time.Time
	certificate *ca.Prepared
}

// costly reports whether to make the key takes so long that everything else should be checked
// before.
func (p issuePlan) costly() bool {
	return p.public == nil && (p.algorithm.Costly() || p.key.Password != "")
}

// begin checks the CA and the key of a plan, and reports all faults at once.
func (s *Issuing) begin(ctx context.Context, caID int64, key domain.KeySpec) (issuePlan, error) {
	plan := issuePlan{caID: caID, key: key, now: s.Now()}
	var keyErr, caErr error
	if plan.algorithm, keyErr = keyAlgorithm(key.Algorithm); len(key.Request) > 0 {
		keyErr = errors.Join(keyErr, key.CheckRequest(), plan.read(key.Request))
	}
	if key.Password != "" {
		keyErr = errors.Join(keyErr, material("password", ca.CheckKeyPassword(string(key.Password))))
	}
	plan.authority, caErr = s.Authorities.Get(ctx, caID)
	if domain.IsKind(caErr, domain.Missing) {
		caErr = domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	return plan, errors.Join(keyErr, caErr)
}

// read takes the public key of a request.
func (p *issuePlan) read(request []byte) error {
	read, err := ca.ReadRequest(request)
	if err != nil {
		return material("csr", err)
	}
	p.public = read.PublicKey
	return nil
}

// make makes the key, unless that of a request is given, and the certificate of a plan. The caller
// goes on with the returned context, and has to end it.
func (s *Issuing) make(
	ctx context.Context, plan issuePlan, kind domain.CertificateKind,
) (domain.Certificate, context.Context, context.CancelFunc, error) {
	if plan.public != nil {
		record, err := plan.issue(ctx, plan.public, kind)
		return record, ctx, func() {}, err
	}
	if domain.OriginOf(ctx).DryRun {
		record, err := s.draft(ctx, plan, kind)
		return record, ctx, func() {}, err
	}
	signer, ctx, done, err := makeKey(ctx, s.Generator, plan.algorithm)
	if err != nil {
		return domain.Certificate{}, ctx, nil, err
	}
	record, err := s.certify(ctx, plan, kind, signer)
	if err != nil {
		done()
		return domain.Certificate{}, ctx, nil, err
	}
	return record, ctx, done, nil
}

// certify issues the certificate of a plan for a key that was made for it, and seals the key.
func (s *Issuing) certify(
	ctx context.Context, plan issuePlan, kind domain.CertificateKind, signer crypto.Signer,
) (domain.Certificate, error) {
	record, err := plan.issue(ctx, signer.Public(), kind)
	if err != nil {
		return domain.Certificate{}, err
	}
	pem, err := s.keyPEM(ctx, signer, plan.key.Password)
	if err != nil {
		return domain.Certificate{}, err
	}
	s.keepKey(&record, pem, plan.key.Password)
	return record, nil
}

func (p issuePlan) issue(
	ctx context.Context, public crypto.PublicKey, kind domain.CertificateKind,
) (domain.Certificate, error) {
	_, span := spans.Begin(ctx, "sign certificate")
	cert, err := p.certificate.IssueWithin(ctx, public)
	span.EndWith(err)
	if err != nil {
		return domain.Certificate{}, err
	}
	record := described(p.caID, kind, cert, p.now)
	record.Issuer = p.authority.Certificate.Raw
	return record, nil
}

// keyPEM encodes a private key, encrypted if there is a password.
func (s *Issuing) keyPEM(ctx context.Context, signer crypto.Signer, password domain.Secret) (pem []byte, err error) {
	if password == "" {
		return ca.MarshalPrivateKey(signer)
	}
	err = s.Derivations.Do(ctx, func() (err error) {
		pem, err = ca.EncryptPrivateKey(signer, string(password))
		return err
	})
	return pem, err
}

// keepKey seals the private key of a certificate.
func (s *Issuing) keepKey(c *domain.Certificate, pem []byte, password domain.Secret) {
	c.SealedKey, c.KeyKept, c.KeyProtected = s.Keys.Seal(pem, clientKeyContext(c.DER)), true, password != ""
}

// moreTries is how often an operation begins anew because its CA has another certificate now.
const moreTries = 3

// otherCA reports whether the refusal may come from a cached authority that is not the present CA
// of that id, or has an earlier certificate. It evicts the authority; the caller then tries once
// more, for the CA may be renewed again meanwhile, but not more often than moreTries.
func (s *Issuing) otherCA(ctx context.Context, err error, caID int64) bool {
	return s.Authorities.refused(ctx, err, "ca_id", caID)
}

// refused is otherCA for the CA that a field names.
func (a *Authorities) refused(ctx context.Context, err error, field string, caID int64) bool {
	ofCertificate := []domain.Reason{
		domain.ReasonCAExpired, domain.ReasonBeyondCA, domain.ReasonConstraint, domain.ReasonPathLength,
	}
	outdated := false
	for _, fault := range domain.Faults(err) {
		if fault.Kind == domain.NotFound && fault.Field == field {
			return a.Forget(caID) || a.there(ctx, caID)
		}
		outdated = outdated || slices.Contains(ofCertificate, fault.Reason)
	}
	return outdated && a.Outdated(ctx, caID)
}

// there reports whether there is such a CA. One that was refused may be there because a renewal has
// just evicted the authority with the certificate of before.
func (a *Authorities) there(ctx context.Context, id int64) bool {
	_, err := a.Store.CAs().Key(ctx, id)
	return err == nil
}

// certificateEnd returns when a certificate that is issued now ends: after the requested days, or
// after the default life but not after its CA.
func certificateEnd(now time.Time, days *int, caEnd time.Time) (time.Time, error) {
	if !now.Before(caEnd) {
		return time.Time{}, domain.Fault(domain.Rule, "ca_id", domain.ReasonCAExpired)
	}
	if days == nil {
		end := now.Add(domain.DefaultClientLife * day)
		if end.After(caEnd) {
			end = caEnd
		}
		return end, nil
	}
	// certificates have whole seconds, so the CA's end is a whole second
	end := now.Add(time.Duration(*days) * day).Truncate(time.Second)
	if end.After(caEnd) {
		return time.Time{}, domain.Fault(domain.Rule, "expiration", domain.ReasonBeyondCA, caEnd.UTC())
	}
	return end, nil
}

// described returns the record of a certificate, without its key.
func described(
	caID int64, kind domain.CertificateKind, cert *x509.Certificate, now time.Time,
) domain.Certificate {
	algorithm, err := ca.AlgorithmOf(cert.PublicKey)
	if err != nil {
		algorithm = "" // of a key that is not accepted any more
	}
	return domain.Certificate{
		CAID: caID, Kind: kind, Name: ca.SubjectOf(cert).CommonName, Serial: ca.FormatSerial(cert.SerialNumber),
		Fingerprint: fingerprint(cert.Raw), KeyAlgorithm: string(algorithm), NotBefore: cert.NotBefore,
		NotAfter: cert.NotAfter, DER: cert.Raw, CreatedAt: now,
	}
}
