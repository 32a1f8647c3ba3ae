package pki

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Register makes a certificate known that the CA has signed elsewhere, without a client: that of a
// server, or any other, which is foreign then. With its key it can be handed out; without, it can
// be looked up and revoked. One that the CA's list has is revoked.
func (s *Certificates) Register(ctx context.Context, in domain.CertificateImport) (domain.Certificate, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Certificate, error) {
		made, err := s.register(ctx, in)
		for n := 0; n < moreTries && s.otherCA(ctx, err, in.CAID); n++ {
			made, err = s.register(ctx, in)
		}
		return told(made), err
	})
}

func (s *Certificates) register(ctx context.Context, in domain.CertificateImport) (domain.Certificate, error) {
	record, key, err := s.checkRegistered(ctx, in)
	if err != nil {
		return record, err
	}
	if key != nil {
		if err := s.keepForeign(ctx, &record, key, in.Password); err != nil {
			return record, material("key", err)
		}
	}
	unlisted := record
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		record = unlisted
		if err := checkIssuer(ctx, tx, record); err != nil {
			return none, err
		}
		err = notArchived(ctx, tx, in.CAID, record.Serial, domain.Duplicated, "cert", domain.ReasonDuplicated)
		if err != nil {
			return none, err
		}
		listed, found, err := tx.Revocations().Find(ctx, in.CAID, record.Serial)
		if err != nil {
			return none, err
		}
		if found && !listed.Lifted() {
			record.RevokedAt, record.Reason = listed.RevokedAt, listed.Reason
		}
		if err := tx.Certificates().Create(ctx, &record); err != nil {
			return none, err
		}
		done := certificates.Created(record)
		done.Action, done.Result = domain.ActionImport, told(record)
		return done, nil
	})
	return record, err
}

// checkRegistered checks the certificate against the CA, and the key against it as far as that can
// be read without cost. The key is nil if none was given.
func (s *Certificates) checkRegistered(
	ctx context.Context, in domain.CertificateImport,
) (record domain.Certificate, key *foreignKey, err error) {
	authority, caErr := s.Authorities.Get(ctx, in.CAID)
	if domain.IsKind(caErr, domain.Missing) {
		caErr = domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	cert, certErr := ca.ParseCertificate(in.Certificate)
	var keyErr error
	if in.Key != "" {
		key, keyErr = readKey(in.Key, in.Password)
	}
	if err := errors.Join(caErr, material("cert", certErr), material("key", keyErr)); err != nil {
		return record, nil, err
	}
	err = authority.CheckIssued(cert)
	if err == nil && ca.SamePublicKey(cert, authority.Certificate) { // its present certificate, or an earlier one
		err = ca.ErrIsCA
	}
	if err := errors.Join(material("cert", err), material("key", key.matches(cert))); err != nil {
		return record, nil, err
	}
	kind, _ := kindOf(authority, cert)
	if kind == domain.CertificateOfClient {
		kind = domain.CertificateOfForeign
	}
	record = described(in.CAID, kind, cert, s.Now())
	record.Issuer = authority.Certificate.Raw
	return record, key, nil
}

// keepForeign opens a key and seals it for its certificate.
func (s *Certificates) keepForeign(
	ctx context.Context, record *domain.Certificate, key *foreignKey, password domain.Secret,
) error {
	cert, err := ca.ReadCertificate(record.DER)
	if err != nil {
		return err
	}
	if err := errors.Join(key.open(ctx, s.Derivations), key.matches(cert)); err != nil {
		return err
	}
	text, err := s.keyPEM(ctx, key.signer, password)
	if err == nil {
		s.keepKey(record, text, password)
	}
	return err
}
