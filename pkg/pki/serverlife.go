package pki

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// WithServer makes a key and a certificate of a server, which is not stored yet, and calls keep
// with it, which has to store it by [KeepServer] in a transaction of its own. It tries again when
// the CA is another one than the one that was remembered.
func (s *Certificates) WithServer(
	ctx context.Context, spec domain.ServerSpec, keep func(context.Context, domain.Certificate) error,
) error {
	err := s.withServer(ctx, spec, keep)
	for n := 0; n < moreTries && s.otherCA(ctx, err, spec.CAID); n++ {
		err = s.withServer(ctx, spec, keep)
	}
	return err
}

func (s *Certificates) withServer(
	ctx context.Context, spec domain.ServerSpec, keep func(context.Context, domain.Certificate) error,
) error {
	plan, err := s.planServer(ctx, spec)
	if err != nil {
		return err
	}
	cert, ctx, done, err := s.make(ctx, plan, domain.CertificateOfServer)
	if err != nil {
		return err
	}
	defer done()
	return keep(ctx, cert)
}

// KeepServer stores a certificate of [Certificates.WithServer] and sets its id. Errors:
// *domain.Error with NotFound on ca_id if the CA is not the one that has signed it.
func KeepServer(ctx context.Context, tx domain.Store, cert *domain.Certificate) error {
	if err := checkIssuer(ctx, tx, *cert); err != nil {
		return err
	}
	return tx.Certificates().Create(ctx, cert)
}

// EndServer ends a certificate of no client at the time until: it is revoked then as superseded, or
// now if that time has come. One that is revoked already stays as it is.
func EndServer(ctx context.Context, tx domain.Store, id int64, now, until time.Time) error {
	cert, err := lockOwnerless(ctx, tx, id)
	if err != nil || cert.Revoked() && !cert.Suspended() {
		return err
	}
	return supersedeOne(ctx, tx, cert, now, until)
}

// RevokeServer revokes a certificate of no client now, unless it is revoked already, and reports
// whether it did.
func RevokeServer(
	ctx context.Context, tx domain.Store, id int64, now time.Time, reason domain.RevocationReason,
) (bool, error) {
	cert, err := lockOwnerless(ctx, tx, id)
	if err != nil || cert.Revoked() && !cert.Suspended() {
		return false, err
	}
	return true, revokeCertificate(ctx, tx, cert, domain.Revocation{RevokedAt: now, Reason: reason})
}

// lockOwnerless reads a certificate of no client after its CA is locked: nobody else revokes it
// until the transaction ends.
func lockOwnerless(ctx context.Context, tx domain.Store, id int64) (domain.Certificate, error) {
	cert, err := tx.Certificates().Get(ctx, id)
	if err != nil {
		return cert, err
	}
	if _, err := tx.CAs().Lock(ctx, cert.CAID); err != nil {
		return cert, err
	}
	return tx.Certificates().Get(ctx, id)
}

// ServerKey returns the private key of a certificate in PEM. It records nothing: the caller records
// that the key leaves the service. Errors: *domain.Error with Missing when it is not kept here.
func (s *Certificates) ServerKey(cert domain.Certificate) ([]byte, error) { return s.unseal(cert) }

// Issuers returns the certificates of the CAs that a peer trusts with a CA, in PEM, in one text:
// the CA itself, those above it, and those that take its place or whose place it takes.
func (s *Certificates) Issuers(ctx context.Context, caID int64) ([]byte, error) {
	f, err := readFamily(ctx, s.Store, caID, s.Now())
	return encodeAll(f.certificates), err
}

// Issuer is a CA that is here, as a program may need it that has the certificate of a peer.
type Issuer struct {
	CAID int64
	PEM  []byte // its certificate
}

// IssuersHere returns those of [Certificates.Issuers] that are here, the CA itself first.
func (s *Certificates) IssuersHere(ctx context.Context, caID int64) ([]Issuer, error) {
	f, err := readFamily(ctx, s.Store, caID, s.Now())
	if err != nil {
		return nil, err
	}
	list := make([]Issuer, len(f.ids))
	for i, id := range f.ids {
		key, err := s.Store.CAs().Key(ctx, id)
		if err != nil {
			return nil, err
		}
		list[i] = Issuer{id, ca.EncodeCertificatePEM(key.Certificate)}
	}
	return list, nil
}

// revokeOwnerless revokes a superseded certificate of no client. The row of its CA decides which
// replica does it.
func (s *Clients) revokeOwnerless(ctx context.Context, cert domain.Certificate) error {
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		now := s.Now()
		cert, err := lockOwnerless(ctx, tx, cert.ID)
		if err != nil || cert.Revoked() && !cert.Suspended() || cert.SupersededAt.IsZero() ||
			cert.SupersededAt.After(now) {
			return none, err
		}
		r := domain.Revocation{RevokedAt: now, Reason: domain.Superseded}
		if err := revokeCertificate(ctx, tx, cert, r); err != nil {
			return none, err
		}
		r.CAID, r.Serial = cert.CAID, cert.Serial
		return signedRevoked(domain.RevokedSerial{Revocation: r, CertificateID: cert.ID}, cert.Name), nil
	})
}
