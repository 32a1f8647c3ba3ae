package pki

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The life of a responder's certificate, and how long before its end the next one is made.
const (
	responderLife  = 30 * day
	responderAhead = 10 * day
	// responderKey is quick to sign with. All that speak OCSP verify it, also those that trust a CA
	// with an RSA key.
	responderKey = ca.ECDSAP256
)

func responderKeyContext(certificate []byte) string { return "ocsp-key/" + fingerprint(certificate) }

// usableResponder returns the responder of a CA. It makes one if there is none that is good now.
func (s *OCSP) usableResponder(ctx context.Context, caID int64) (domain.OCSPResponder, error) {
	for range moreTries {
		record, err := s.Store.OCSPResponders().Of(ctx, caID)
		if err != nil && !domain.IsKind(err, domain.Missing) {
			return record, err
		}
		if err == nil && !record.Revoked && s.Now().Before(record.NotAfter) {
			return record, nil
		}
		if err := s.nextResponder(ctx, caID, record.Generation); err != nil {
			return record, err
		}
	}
	return domain.OCSPResponder{}, &domain.Unavailable{Err: errOtherCertificate}
}

func (s *OCSP) openResponder(ctx context.Context, record domain.OCSPResponder) (*ca.Responder, error) {
	authority, err := s.Authorities.Get(ctx, record.CAID)
	if err != nil {
		return nil, err
	}
	cert, err := ca.ReadCertificate(record.DER)
	if err != nil {
		return nil, fmt.Errorf("certificate of the responder of CA %d: %w", record.CAID, err)
	}
	pem, err := s.Keys.Open(record.SealedKey, responderKeyContext(record.DER))
	if err != nil {
		return nil, fmt.Errorf("key of the responder of CA %d: %w", record.CAID, err)
	}
	signer, err := ca.ParsePrivateKey(pem, "")
	if err != nil {
		return nil, fmt.Errorf("key of the responder of CA %d: %w", record.CAID, err)
	}
	responder, err := authority.OpenResponder(cert, signer)
	if errors.Is(err, ca.ErrNotSignedByCA) && s.Authorities.Outdated(ctx, record.CAID) {
		return s.openResponder(ctx, record)
	}
	return responder, err
}

// nextResponder makes the responder that follows a generation, unless another replica has made it.
// Errors: errNotOurs when the CA has ended.
func (s *OCSP) nextResponder(ctx context.Context, caID, after int64) error {
	made, cert, err := s.makeResponder(ctx, caID)
	if s.outdated(ctx, err, caID) {
		made, cert, err = s.makeResponder(ctx, caID)
	}
	if err != nil {
		return err
	}
	made.Generation = after + 1
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if _, err := tx.CAs().Lock(ctx, caID); err != nil {
			return none, err
		}
		if err := checkIssuer(ctx, tx, cert); err != nil {
			return none, err
		}
		present, err := tx.OCSPResponders().Of(ctx, caID)
		if err != nil && !domain.IsKind(err, domain.Missing) || present.Generation != after {
			return none, ignoreMissing(err)
		}
		if err := tx.Certificates().Create(ctx, &cert); err != nil {
			return none, err
		}
		made.CertificateID = cert.ID
		if err := tx.OCSPResponders().Replace(ctx, made); err != nil {
			return none, err
		}
		change := certificates.Created(cert)
		change.Result = told(cert)
		change.Details = []slog.Attr{slog.Int64("ca_id", caID), slog.String("serial", cert.Serial)}
		return change, nil
	})
	if s.otherCA(ctx, err, caID) {
		return nil // the caller tries again
	}
	return err
}

// outdated reports whether a CA has ended only by the certificate that was remembered.
func (s *OCSP) outdated(ctx context.Context, err error, caID int64) bool {
	return errors.Is(err, errNotOurs) && s.Authorities.Outdated(ctx, caID)
}

func ignoreMissing(err error) error {
	if domain.IsKind(err, domain.Missing) {
		return nil
	}
	return err
}

// makeResponder makes a key and a certificate for a responder. The key is not in the record of the
// certificate, so nobody can fetch it.
func (s *OCSP) makeResponder(
	ctx context.Context, caID int64,
) (made domain.OCSPResponder, c domain.Certificate, err error) {
	authority, err := s.Authorities.Get(ctx, caID)
	if err != nil {
		return made, c, err
	}
	now := s.Now()
	end := now.Add(responderLife)
	if last := authority.Certificate.NotAfter; end.After(last) {
		end = last
	}
	if !now.Before(end) {
		return made, c, errNotOurs
	}
	prepared, err := authority.PrepareResponder(ca.ResponderRequest{
		Subject: responderSubject(authority), NotBefore: now.Add(-backdate), NotAfter: end,
	})
	if err != nil {
		return made, c, err
	}
	signer, err := s.Generator.Generate(ctx, responderKey)
	if err != nil {
		return made, c, err
	}
	plan := issuePlan{caID: caID, authority: authority, now: now, certificate: prepared}
	if c, err = plan.issue(ctx, signer.Public(), domain.CertificateOfResponder); err != nil {
		return made, c, err
	}
	made, err = s.sealResponder(caID, c, signer)
	return made, c, err
}

func (s *OCSP) sealResponder(
	caID int64, cert domain.Certificate, signer crypto.Signer,
) (domain.OCSPResponder, error) {
	pem, err := ca.MarshalPrivateKey(signer)
	return domain.OCSPResponder{CAID: caID, SealedKey: s.Keys.Seal(pem, responderKeyContext(cert.DER))}, err
}

// responderSubject is the subject of the CA with another common name: what restricts the names
// below the CA allows that one most likely.
func responderSubject(authority *ca.Authority) ca.Subject {
	subject := ca.SubjectOf(authority.Certificate)
	name := []rune("OCSP " + subject.CommonName)
	subject.CommonName, subject.Email = string(name[:min(len(name), domain.MaxCommonName)]), ""
	return subject
}

// RenewResponders makes the next responder of each CA whose responder ends soon or is revoked. It
// runs in the background, on every replica: the row of the CA decides which one does it. A CA that
// has ended, or ends as soon as its responder, gets none.
func (s *OCSP) RenewResponders(ctx context.Context) error {
	due, err := s.Store.OCSPResponders().Ending(ctx, s.Now().Add(responderAhead))
	failed := []error{err}
	for _, caID := range due {
		if err := s.renewResponder(ctx, caID); err != nil && !errors.Is(err, errNotOurs) {
			failed = append(failed, fmt.Errorf("the responder of CA %d: %w", caID, err))
		}
	}
	return errors.Join(failed...)
}

func (s *OCSP) renewResponder(ctx context.Context, caID int64) error {
	record, err := s.Store.OCSPResponders().Of(ctx, caID)
	if err != nil {
		return ignoreMissing(err)
	}
	s.Authorities.Outdated(ctx, caID)
	authority, err := s.Authorities.Get(ctx, caID)
	if err != nil {
		return ignoreMissing(err)
	}
	last := authority.Certificate.NotAfter
	if !record.Revoked && !last.Truncate(time.Second).After(record.NotAfter) {
		return nil
	}
	return s.nextResponder(ctx, caID, record.Generation)
}
