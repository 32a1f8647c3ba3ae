package pki

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// backdate is how far before now a certificate begins to be valid, for peers whose clocks are slow.
const backdate = time.Minute

const day = 24 * time.Hour

// CAs are the use cases of certificate authorities.
type CAs struct {
	Store       domain.Store
	Authorities *Authorities
	Keys        *seal.Keyring
	Generator   *ca.KeyGenerator
	Derivations *turns.Turns // for deriving keys from passwords
	Recorder    *audit.Recorder
	Now         func() time.Time
}

// Page lists CAs.
func (s *CAs) Page(ctx context.Context, page domain.PageRequest) (domain.Page[domain.CA], error) {
	return s.Store.CAs().Page(ctx, page)
}

// Get returns one CA.
func (s *CAs) Get(ctx context.Context, id int64) (domain.CA, error) {
	return s.Store.CAs().Get(ctx, id)
}

// Certificate returns in PEM what a peer has to trust that trusts a CA: its certificate, those of
// the CAs above it, and those of the CAs that take its place or whose place it takes.
func (s *CAs) Certificate(ctx context.Context, id int64) ([]byte, error) {
	f, err := readFamily(ctx, s.Store, id, s.Now())
	return encodeAll(f.certificates), err
}

// Create makes a CA: a root with a self-signed certificate, or one whose certificate another CA
// issues.
func (s *CAs) Create(ctx context.Context, spec domain.CASpec) (domain.CA, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.CA, error) {
		made, err := s.create(ctx, spec)
		for n := 0; n < moreTries && s.Authorities.refused(ctx, err, "parent_id", spec.ParentID); n++ {
			made, err = s.create(ctx, spec)
		}
		return made, err
	})
}

func (s *CAs) create(ctx context.Context, spec domain.CASpec) (domain.CA, error) {
	spec.Name = domain.CleanName(spec.Name)
	want, err := s.wantKey(ctx, spec)
	parent, parentErr := s.parent(ctx, spec.ParentID)
	if err := errors.Join(spec.Validate(), err, parentErr, s.checkName(ctx, spec.Name)); err != nil {
		return domain.CA{}, err
	}
	now := s.Now()
	prepared, err := prepareCA(spec, parent, nil, now)
	if err != nil {
		return domain.CA{}, err
	}
	signer, ctx, done, err := s.makeCAKey(ctx, want)
	if err != nil {
		return domain.CA{}, err
	}
	defer done()
	cert, err := signCA(ctx, prepared, parent, signer)
	if err != nil {
		s.discard(ctx, want, signer)
		return domain.CA{}, err
	}
	record := domain.CA{
		ParentID: spec.ParentID, Name: spec.Name, Description: spec.Description, Subject: spec.Subject, CreatedAt: now,
		UpdatedAt: now,
	}
	made, err := s.keep(ctx, domain.ActionCreate, record, madeCA{cert: cert, signer: signer, issuer: parent})
	s.unused(ctx, want, signer, err)
	return made, err
}

// parent returns the CA that shall issue the certificate of another; nil for the id 0.
func (s *CAs) parent(ctx context.Context, id int64) (*ca.Authority, error) {
	if id == 0 {
		return nil, nil
	}
	parent, err := s.Authorities.Get(ctx, id)
	if domain.IsKind(err, domain.Missing) {
		err = domain.Fault(domain.NotFound, "parent_id", domain.ReasonNotFound)
	}
	return parent, err
}

// prepareCA prepares the certificate of a CA, with the restrictions of another one unless that is
// nil.
func prepareCA(spec domain.CASpec, parent *ca.Authority, like *x509.Certificate, now time.Time) (*ca.Prepared, error) {
	subject := certificateSubject(spec.Name, spec.Subject)
	end, err := caEnd(spec.Expiration, parent, now)
	if err != nil {
		return nil, err
	}
	if parent == nil {
		prepared, err := ca.PrepareRoot(ca.RootRequest{
			Subject: subject, PathLength: spec.Depth(), Like: like, NotBefore: now.Add(-backdate), NotAfter: end,
		})
		return prepared, material("name", err)
	}
	prepared, err := parent.PrepareCA(ca.CARequest{
		Subject: subject, PathLength: spec.Depth(), Like: like, NotBefore: now.Add(-backdate), NotAfter: end,
	})
	if errors.Is(err, ca.ErrPathLength) {
		return nil, &domain.Error{Kind: domain.Rule, Field: "parent_id", Reason: domain.ReasonPathLength, Err: err}
	}
	return prepared, issuingFault(err, nil)
}

// caEnd returns when the certificate of a CA ends that is made now: after the requested days, or
// after the default life but not after its parent.
func caEnd(days *int, parent *ca.Authority, now time.Time) (time.Time, error) {
	life := domain.DefaultCALife
	if days != nil {
		life = *days
	}
	end := now.Add(time.Duration(life) * day)
	if parent == nil {
		return end, nil
	}
	last := parent.Certificate.NotAfter
	switch {
	case !now.Before(last):
		return end, domain.Fault(domain.Rule, "parent_id", domain.ReasonCAExpired)
	case end.After(last) && days != nil:
		return end, domain.Fault(domain.Rule, "expiration", domain.ReasonBeyondCA, last.UTC())
	case end.After(last):
		end = last
	}
	return end, nil
}

func signCA(
	ctx context.Context, prepared *ca.Prepared, parent *ca.Authority, signer crypto.Signer,
) (*x509.Certificate, error) {
	if parent != nil {
		return prepared.IssueWithin(ctx, signer.Public())
	}
	if stored, ok := signer.(ca.CallerSigner); ok {
		signer = stored.Within(ctx)
	}
	authority, err := prepared.SelfSign(signer)
	if err != nil {
		return nil, err
	}
	return authority.Certificate, nil
}

// madeCA is what a CA is made of, besides its record.
type madeCA struct {
	cert   *x509.Certificate
	signer crypto.Signer
	issuer *ca.Authority // the CA here that has issued cert; nil: none
	chain  []byte        // as in domain.CAKey
	crl    *ca.CRL       // nil: none
}

// key returns what is stored of it.
func (m madeCA) key(keys *seal.Keyring) (domain.CAKey, error) {
	key := domain.CAKey{
		Certificate: m.cert.Raw, Chain: m.chain, Fingerprint: fingerprint(m.cert.RawSubjectPublicKeyInfo),
	}
	if keyURI(m.signer) != "" {
		return key, nil
	}
	pem, err := ca.MarshalPrivateKey(m.signer)
	if err != nil {
		return domain.CAKey{}, err
	}
	key.SealedKey = keys.Seal(pem, caKeyContext(m.cert.Raw))
	return key, nil
}

// keep stores a CA with its sealed key and the revocations of its imported CRL, if any. The CA that
// has issued its certificate keeps that among its own.
func (s *CAs) keep(ctx context.Context, action domain.Action, record domain.CA, made madeCA) (domain.CA, error) {
	cert := made.cert
	algorithm, err := ca.AlgorithmOf(cert.PublicKey)
	if err != nil {
		return domain.CA{}, err
	}
	key, err := made.key(s.Keys)
	if err != nil {
		return domain.CA{}, err
	}
	record.KeyAlgorithm, record.KeyURI = string(algorithm), keyURI(made.signer)
	record.ExpiresAt = cert.NotAfter.UTC()
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if made.issuer != nil {
			if err := keepIssued(ctx, tx, record.ParentID, made.issuer, cert, record.CreatedAt); err != nil {
				return none, err
			}
		}
		if err := tx.CAs().Create(ctx, &record, key, stateAfter(made.crl)); err != nil {
			return none, err
		}
		if err := importRevocations(ctx, tx, record.ID, made.crl); err != nil {
			return none, err
		}
		done := cas.Created(record)
		done.Action = action
		return done, nil
	})
	if err != nil {
		return domain.CA{}, err
	}
	return record, nil
}

// keepIssued stores the certificate of a CA among those of the CA that has issued it, unless its
// serial number is there already.
func keepIssued(
	ctx context.Context, tx domain.Store, issuerID int64, issuer *ca.Authority, cert *x509.Certificate, now time.Time,
) error {
	issued := described(issuerID, domain.CertificateOfCA, cert, now)
	issued.Issuer = issuer.Certificate.Raw
	if err := checkIssuer(ctx, tx, issued); err != nil {
		return domain.Fault(domain.NotFound, "parent_id", domain.ReasonNotFound)
	}
	_, err := tx.Certificates().OfSerial(ctx, issued.CAID, issued.Serial)
	if !domain.IsKind(err, domain.Missing) {
		return err
	}
	return tx.Certificates().Create(ctx, &issued)
}

func (s *CAs) checkName(ctx context.Context, name string) error {
	taken, err := s.Store.CAs().NameTaken(ctx, name)
	return nameFault(taken, err)
}

func nameFault(taken bool, err error) error {
	if err == nil && taken {
		return domain.Fault(domain.Duplicated, "name", domain.ReasonDuplicated)
	}
	return err
}

// Update changes a CA's record.
func (s *CAs) Update(ctx context.Context, id int64, update domain.CAUpdate) (record domain.CA, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.CAs()
		record, done, err = cas.Edit(ctx, id, rows.Lock, rows.Update, func(c *domain.CA) error {
			c.UpdatedAt = s.Now()
			return update.Apply(c)
		})
		return done, err
	})
	return record, err
}

// Delete removes a CA that has no certificates.
func (s *CAs) Delete(ctx context.Context, id int64) error {
	err := s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (audit.Change, error) {
		return cas.Remove(ctx, id, tx.CAs().Lock, tx.CAs().Delete)
	})
	if err != nil {
		return err
	}
	s.Authorities.Forget(id)
	return nil
}

// keyAlgorithm parses the name of a key algorithm; the empty name is the default.
func keyAlgorithm(name string) (ca.KeyAlgorithm, error) {
	algorithm := ca.KeyAlgorithm(name)
	if name == "" {
		algorithm = ca.ECDSAP256
	}
	if !algorithm.Valid() {
		return "",
			domain.Fault(
				domain.Invalid, "key_algorithm", domain.ReasonChoice,
				"ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072, rsa-4096",
			)
	}
	return algorithm, nil
}

func certificateSubject(name string, s domain.Subject) ca.Subject {
	return ca.Subject{
		CommonName: name, Organization: s.Organization, OrganizationalUnit: s.Sector,
		Country: s.Country, Province: s.Province, Locality: s.City, Email: s.Email,
	}
}

// recordSubject is the reverse of certificateSubject, for certificates made elsewhere.
func recordSubject(s ca.Subject) domain.Subject {
	return domain.Subject{
		Country: printable(s.Country), Province: printable(s.Province), City: printable(s.Locality),
		Organization: printable(s.Organization), Sector: printable(s.OrganizationalUnit), Email: printable(s.Email),
	}
}

// printable drops what a record can't hold: control characters and invalid UTF-8.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}
