package pki

import (
	"context"
	"log/slog"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// RevokeSerial revokes one certificate that the CA has ever signed, known here or not. Of a client
// it revokes this certificate alone. One that is revoked for good already stays as it is. A
// certificate that is handed in and was not known is listed from then on.
func (s *CAs) RevokeSerial(
	ctx context.Context, id int64, spec domain.SerialRevocation,
) (domain.RevokedSerial, error) {
	if err := spec.Validate(s.Now()); err != nil {
		return domain.RevokedSerial{}, err
	}
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.RevokedSerial, error) {
		cert, err := s.signed(ctx, id, spec)
		if err != nil {
			return domain.RevokedSerial{}, err
		}
		at := s.Now()
		if spec.RevokedAt != nil {
			at = spec.RevokedAt.UTC()
		}
		return s.revokeSigned(
			ctx, cert, domain.Revocation{RevokedAt: at, Reason: spec.Reason, InvalidSince: spec.InvalidSince},
		)
	})
}

// signed finds the certificate that is meant: the record of a known one, or one without an id, with
// what is known of it.
func (s *CAs) signed(ctx context.Context, id int64, spec domain.SerialRevocation) (domain.Certificate, error) {
	authority, err := s.Authorities.Get(ctx, id)
	if err != nil {
		return domain.Certificate{}, err
	}
	if len(spec.Certificate) == 0 {
		return s.ofSerial(ctx, id, spec.Serial)
	}
	cert, err := ca.ParseCertificate(spec.Certificate)
	if err == nil {
		err = authority.CheckIssued(cert)
	}
	if err != nil {
		return domain.Certificate{}, material("cert", err)
	}
	read := described(id, domain.CertificateOfForeign, cert, s.Now())
	known, err := s.Store.Certificates().OfSerial(ctx, id, read.Serial)
	if domain.IsKind(err, domain.Missing) {
		return read, notArchived(ctx, s.Store, id, read.Serial, domain.Rule, "cert", domain.ReasonArchived)
	}
	return known, err
}

// ofSerial reads a serial number. One of digits alone may be meant in hex or in decimal; then the
// one that is known is meant.
func (s *CAs) ofSerial(ctx context.Context, id int64, text string) (domain.Certificate, error) {
	serials, err := readSerial(text)
	if err != nil {
		return domain.Certificate{}, domain.Fault(domain.Invalid, "serial", domain.ReasonSerial)
	}
	var known []domain.Certificate
	for _, serial := range serials {
		cert, err := s.Store.Certificates().OfSerial(ctx, id, serial)
		if err == nil {
			known = append(known, cert)
			continue
		}
		if domain.IsKind(err, domain.Missing) {
			err = notArchived(ctx, s.Store, id, serial, domain.Rule, "serial", domain.ReasonArchived)
		}
		if err != nil {
			return domain.Certificate{}, err
		}
	}
	switch {
	case len(known) == 1:
		return known[0], nil
	case len(serials) == 1:
		return domain.Certificate{CAID: id, Serial: serials[0]}, nil
	}
	return domain.Certificate{}, domain.Fault(domain.Invalid, "serial", domain.ReasonSerialTwoWays)
}

// readSerial returns the serials that a text may mean; two for digits that are another number in
// hex than in decimal. With colons, spaces or 0x it is in hex.
func readSerial(text string) ([]string, error) {
	plain, hex := strings.CutPrefix(strings.ToLower(text), "0x")
	serials, err := ReadSerial(plain)
	if err == nil && (hex || strings.ContainsAny(text, ": ")) {
		serials = serials[:1]
	}
	return serials, err
}

func (s *CAs) revokeSigned(
	ctx context.Context, named domain.Certificate, r domain.Revocation,
) (done domain.RevokedSerial, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		cert := named // a copy, which gets an id when it gets a record

		if cert.ClientID != 0 { // before the CA, as all transactions lock them
			if _, err := tx.Clients().Lock(ctx, cert.ClientID); err != nil {
				return none, err
			}
		}
		if _, err := tx.CAs().Lock(ctx, cert.CAID); err != nil {
			return none, err
		}
		found, listed, err := tx.Revocations().Find(ctx, cert.CAID, cert.Serial)
		if err != nil {
			return none, err
		}
		if listed && !found.Lifted() && found.Reason != domain.CertificateHold {
			done = domain.RevokedSerial{Revocation: found, CertificateID: cert.ID, ClientID: cert.ClientID}
			return none, nil
		}
		if err := revokeKnown(ctx, tx, &cert, listed, r); err != nil {
			return none, err
		}
		r.CAID, r.Serial, r.NotAfter = cert.CAID, cert.Serial, cert.NotAfter
		done = domain.RevokedSerial{Revocation: r, CertificateID: cert.ID, ClientID: cert.ClientID}
		change := signedRevoked(done, cert.Name)
		if domain.OriginOf(ctx).DryRun {
			change.ID = named.ID
		}
		return change, nil
	})
	return done, err
}

// revokeKnown stores the revocation of a certificate: on its CA's list, in its record, and in that
// of its client. A certificate that was handed in gets a record. listed says that the list has an
// entry, which is changed then.
func revokeKnown(
	ctx context.Context, tx domain.Store, cert *domain.Certificate, listed bool, r domain.Revocation,
) error {
	if cert.ID == 0 && len(cert.DER) > 0 {
		cert.RevokedAt, cert.Reason = r.RevokedAt, r.Reason
		if err := tx.Certificates().Create(ctx, cert); err != nil {
			return err
		}
	} else if cert.ID != 0 {
		if err := tx.Certificates().Revoke(ctx, cert.ID, r.RevokedAt, r.Reason); err != nil {
			return err
		}
	}
	if err := putOnList(ctx, tx, *cert, listed, r); err != nil || cert.ClientID == 0 {
		return err
	}
	newest, err := tx.Certificates().OfClient(ctx, cert.ClientID)
	if err != nil || newest.ID != cert.ID {
		return err
	}
	return tx.Clients().Revoke(ctx, cert.ClientID, r.RevokedAt, r.Reason)
}

func signedRevoked(done domain.RevokedSerial, name string) audit.Change {
	facts := audit.Facts{
		"ca_id": done.CAID, "serial": done.Serial, "revoked_at": audit.Moment(done.RevokedAt),
		"reason": done.Reason.String(), "known": done.CertificateID != 0,
	}
	if done.ClientID != 0 {
		facts["client_id"] = done.ClientID
	}
	return audit.Change{
		Action: domain.ActionRevoke, Resource: domain.ResourceCertificates, ID: done.CertificateID, Name: name,
		After: facts, Result: done, Details: []slog.Attr{slog.String("serial", done.Serial)},
	}
}
