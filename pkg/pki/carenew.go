package pki

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// renewAttempts is how often a renewal begins anew when another one was faster.
const renewAttempts = 3

// errOtherCertificate says that a CA has another certificate than the one that was renewed, or that
// its parent has.
var errOtherCertificate = errors.New("pki: the CA was renewed meanwhile")

// Renew gives a CA its next certificate, for the same subject and key: all that it has signed stays
// valid, and its lists go on. It is signed by the CA itself or by its parent, unless one that was
// made elsewhere is handed in. With NewKey it makes another CA that takes its place, and returns
// that: see succeed.
//
// Errors: *domain.Error with Missing; with Rule on cert for a CA below one that is not here; with
// Rule for a certificate that would end before the present one, or after the parent.
func (s *CAs) Renew(ctx context.Context, id int64, asked domain.CARenewal) (domain.CA, error) {
	asked.Name = domain.CleanName(asked.Name)
	if err := asked.Validate(); err != nil {
		return domain.CA{}, err
	}
	return idempotency.Do(ctx, s.Recorder.Results, func() (made domain.CA, err error) {
		for range renewAttempts {
			var of renewedCA
			if of, err = s.readRenewed(ctx, id); err != nil {
				return domain.CA{}, err
			}
			made, err = s.renew(ctx, of, asked)
			stale := s.Authorities.refused(ctx, err, "parent_id", of.record.ParentID)
			if !errors.Is(err, errOtherCertificate) && !stale {
				return made, err
			}
			s.Authorities.Outdated(ctx, id)
			s.Authorities.Outdated(ctx, of.record.ParentID)
		}
		return made, &domain.Unavailable{Err: err}
	})
}

// renewedCA is a CA that is to be renewed, with its parent.
type renewedCA struct {
	record    domain.CA
	authority *ca.Authority
	parent    *ca.Authority // nil: none that is here
	now       time.Time
}

func (r renewedCA) present() *x509.Certificate { return r.authority.Certificate }

// foreign reports whether the CA is below one whose key is not here.
func (r renewedCA) foreign() bool { return r.parent == nil && !ca.SelfSigned(r.present()) }

func (s *CAs) readRenewed(ctx context.Context, id int64) (of renewedCA, err error) {
	of.now = s.Now()
	if of.record, err = s.Store.CAs().Get(ctx, id); err != nil {
		return of, err
	}
	if of.authority, err = s.Authorities.Get(ctx, id); err == nil {
		of.parent, err = s.parent(ctx, of.record.ParentID)
	}
	return of, err
}

func (s *CAs) renew(ctx context.Context, of renewedCA, asked domain.CARenewal) (domain.CA, error) {
	if asked.Key == domain.NewKey {
		return s.succeed(ctx, of, asked)
	}
	made := madeCA{signer: of.authority.Signer, issuer: of.parent}
	parentID := of.record.ParentID
	var err error
	if len(asked.Certificate) > 0 {
		made, parentID, err = s.handedIn(ctx, of, asked.Certificate)
	} else {
		made.cert, err = of.next(ctx, asked.Expiration)
	}
	if err != nil {
		return domain.CA{}, err
	}
	return s.keepNext(ctx, of, parentID, made)
}

// next signs the next certificate of a CA.
func (r renewedCA) next(ctx context.Context, days *int) (*x509.Certificate, error) {
	if r.foreign() {
		return nil, domain.Fault(domain.Rule, "cert", domain.ReasonNoIssuer)
	}
	end, err := caEnd(days, r.parent, r.now)
	if err != nil {
		return nil, err
	}
	end = end.Truncate(time.Second)
	if last := r.present().NotAfter; end.Before(last) {
		return nil, domain.Fault(domain.Rule, "expiration", domain.ReasonNoSooner, last.UTC())
	}
	begin := r.now.Add(-backdate)
	if r.parent != nil {
		cert, err := r.parent.Within(ctx).CrossSign(r.present(), begin, end)
		return cert, material("parent_id", err)
	}
	renewed, err := r.authority.Within(ctx).Renew(begin, end)
	if err != nil {
		return nil, material("id", err)
	}
	return renewed.Certificate, nil
}

// handedIn checks the next certificate of a CA that was made elsewhere, and those above it: those
// that come with it, or those of the present one.
func (s *CAs) handedIn(ctx context.Context, of renewedCA, text []byte) (made madeCA, parentID int64, err error) {
	certs, err := ca.ParseCertificates(text)
	if err != nil {
		return made, 0, material("cert", err)
	}
	i := max(0, slices.IndexFunc(certs, func(c *x509.Certificate) bool { return ca.SamePublicKey(c, of.present()) }))
	cert, others := certs[i], slices.Concat(certs[:i], certs[i+1:])
	if err := of.checkNext(cert); err != nil {
		return made, 0, err
	}
	if len(others) == 0 && !ca.SelfSigned(cert) {
		if others, err = s.presentAbove(ctx, of.record.ID); err != nil {
			return made, 0, err
		}
	}
	found, err := s.findAbove(ctx, cert, others)
	if err != nil {
		return made, 0, material("cert", err)
	}
	s.Authorities.Outdated(ctx, found.parentID)
	issuer, err := s.parent(ctx, found.parentID)
	return madeCA{cert: cert, signer: of.authority.Signer, issuer: issuer, chain: found.chain}, found.parentID, err
}

// presentAbove returns the CAs above a CA that are not here.
func (s *CAs) presentAbove(ctx context.Context, id int64) ([]*x509.Certificate, error) {
	key, err := s.Store.CAs().Key(ctx, id)
	if err != nil {
		return nil, err
	}
	certs, err := readWithAbove(key)
	if err != nil {
		return nil, err
	}
	return certs[1:], nil
}

func (r renewedCA) checkNext(cert *x509.Certificate) error {
	err := ca.CheckNext(r.present(), cert)
	switch last := r.present().NotAfter; {
	case errors.Is(err, ca.ErrKeyMismatch): // which is of the field key elsewhere
		return &domain.Error{Kind: domain.Invalid, Field: "cert", Reason: domain.ReasonOtherKey, Err: err}
	case err != nil:
		return material("cert", err)
	case bytes.Equal(cert.Raw, r.present().Raw):
		return domain.Fault(domain.Duplicated, "cert", domain.ReasonDuplicated)
	case cert.NotBefore.After(r.now):
		return domain.Fault(domain.Rule, "cert", domain.ReasonFuture)
	case cert.NotAfter.Before(last):
		return domain.Fault(domain.Rule, "cert", domain.ReasonNoSooner, last.UTC())
	}
	return nil
}

// keepNext stores the next certificate of a CA, and keeps the one before.
func (s *CAs) keepNext(ctx context.Context, of renewedCA, parentID int64, made madeCA) (after domain.CA, err error) {
	key, err := made.key(s.Keys)
	if err != nil {
		return after, err
	}
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := tx.Instances().Outdate(ctx, of.record.ID); err != nil {
			return none, err
		}
		before, err := lockPresent(ctx, tx, of)
		if err != nil {
			return none, err
		}
		if made.issuer != nil {
			if err := keepIssued(ctx, tx, parentID, made.issuer, made.cert, of.now); err != nil {
				return none, err
			}
		}
		if err := tx.CAs().AddCertificate(ctx, earlier(before, of.present())); err != nil {
			return none, err
		}
		after = before
		after.ParentID, after.ExpiresAt = parentID, made.cert.NotAfter.UTC()
		after.RenewedAt, after.UpdatedAt = of.now, of.now
		if err := tx.CAs().Renew(ctx, after, key); err != nil {
			return none, err
		}
		done := renewedChange(before, after, of.present(), made.cert)
		if done.Before["serial"] != done.After["serial"] {
			done = hideDraft(ctx, done)
		}
		return done, nil
	})
	if err != nil {
		return domain.CA{}, err
	}
	s.Authorities.Forget(after.ID)
	return after, nil
}

// lockPresent locks a CA, and checks that it still has the certificate that was read.
func lockPresent(ctx context.Context, tx domain.Store, of renewedCA) (domain.CA, error) {
	record, err := tx.CAs().Lock(ctx, of.record.ID)
	if err != nil {
		return record, err
	}
	key, err := tx.CAs().Key(ctx, of.record.ID)
	record.SuccessorID = key.SuccessorID // Lock may have waited, and know of none that came meanwhile
	if err == nil && !bytes.Equal(key.Certificate, of.present().Raw) {
		err = errOtherCertificate
	}
	return record, err
}

// earlier is the certificate that a CA has had so far.
func earlier(c domain.CA, cert *x509.Certificate) *domain.CACertificate {
	made := c.CreatedAt
	if !c.RenewedAt.IsZero() {
		made = c.RenewedAt
	}
	return &domain.CACertificate{CAID: c.ID, Kind: domain.CACertificateEarlier, DER: cert.Raw, CreatedAt: made}
}

func renewedChange(before, after domain.CA, was, is *x509.Certificate) audit.Change {
	facts := func(c domain.CA, cert *x509.Certificate) audit.Facts {
		return audit.Facts{
			"name": c.Name, "serial": ca.FormatSerial(cert.SerialNumber), "expires_at": audit.Moment(c.ExpiresAt),
			"renewed_at": audit.Moment(c.RenewedAt), "parent_id": c.ParentID,
		}
	}
	return audit.Change{
		Action: domain.ActionRenew, Resource: domain.ScopeCAs, ID: after.ID, Name: after.Name,
		Before: facts(before, was), After: facts(after, is), Result: after,
		Details: []slog.Attr{slog.Time("expires_at", after.ExpiresAt)},
	}
}
