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

// Certificate returns a CA's certificate in PEM.
func (s *CAs) Certificate(ctx context.Context, id int64) ([]byte, error) {
	key, err := s.Store.CAs().Key(ctx, id)
	if err != nil {
		return nil, err
	}
	return ca.EncodeCertificatePEM(key.Certificate), nil
}

// Create makes a CA with a self-signed certificate.
func (s *CAs) Create(ctx context.Context, spec domain.CASpec) (domain.CA, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.CA, error) { return s.create(ctx, spec) })
}

func (s *CAs) create(ctx context.Context, spec domain.CASpec) (domain.CA, error) {
	algorithm, err := keyAlgorithm(spec.KeyAlgorithm)
	spec.Name = domain.CleanName(spec.Name)
	if err := errors.Join(spec.Validate(), err, s.checkName(ctx, spec.Name)); err != nil {
		return domain.CA{}, err
	}
	life := domain.DefaultCALife
	if spec.Expiration != nil {
		life = *spec.Expiration
	}
	now := s.Now()
	prepared, err := ca.PrepareRoot(ca.RootRequest{
		Subject: certificateSubject(spec.Name, spec.Subject), NotBefore: now.Add(-backdate),
		NotAfter: now.Add(time.Duration(life) * day),
	})
	if err != nil {
		return domain.CA{}, material("name", err)
	}
	signer, ctx, done, err := makeKey(ctx, s.Generator, algorithm)
	if err != nil {
		return domain.CA{}, err
	}
	defer done()
	authority, err := prepared.SelfSign(signer)
	if err != nil {
		return domain.CA{}, err
	}
	record := domain.CA{
		Name: spec.Name, Description: spec.Description, Subject: spec.Subject, CreatedAt: now, UpdatedAt: now,
	}
	return s.keep(ctx, domain.ActionCreate, record, authority.Certificate, signer, nil)
}

// keep stores a CA with its sealed key and the revocations of its imported CRL, if any.
func (s *CAs) keep(
	ctx context.Context, action domain.Action, record domain.CA, cert *x509.Certificate, signer crypto.Signer,
	crl *ca.CRL,
) (domain.CA, error) {
	algorithm, err := ca.AlgorithmOf(cert.PublicKey)
	if err != nil {
		return domain.CA{}, err
	}
	pem, err := ca.MarshalPrivateKey(signer)
	if err != nil {
		return domain.CA{}, err
	}
	record.KeyAlgorithm = string(algorithm)
	record.ExpiresAt = cert.NotAfter.UTC()
	key := domain.CAKey{
		Certificate: cert.Raw, SealedKey: s.Keys.Seal(pem, caKeyContext(cert.Raw)),
		Fingerprint: fingerprint(cert.RawSubjectPublicKeyInfo),
	}
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := tx.CAs().Create(ctx, &record, key, stateAfter(crl)); err != nil {
			return none, err
		}
		if err := importRevocations(ctx, tx, record.ID, crl); err != nil {
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
