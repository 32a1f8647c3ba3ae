package pki

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// succeed makes the CA that takes the place of another one, with a key and a subject of its own: an
// OpenVPN server does not start with two CAs of one subject. It allows what the other one allows. A
// root signs the key of its successor too, as far as its path length allows one CA below it: so
// peers that trust the root alone accept what the successor issues. A CA below another one has its
// successor below the same one.
//
// Errors: *domain.Error with Rule on id for a CA that has a successor; with Rule on cert as Renew;
// those of Create.
func (s *CAs) succeed(ctx context.Context, of renewedCA, asked domain.CARenewal) (domain.CA, error) {
	spec, want, err := s.planSuccessor(ctx, of, asked)
	if err != nil {
		return domain.CA{}, err
	}
	prepared, err := prepareCA(spec, of.parent, of.present(), of.now)
	if err != nil {
		return domain.CA{}, err
	}
	signer, ctx, done, err := s.successorKey(ctx, want)
	if err != nil {
		return domain.CA{}, err
	}
	defer done()
	cert, cross, err := s.certifySuccessor(ctx, of, prepared, signer)
	if err != nil {
		s.discard(ctx, want, signer)
		return domain.CA{}, err
	}
	record := domain.CA{
		ParentID: spec.ParentID, PredecessorID: of.record.ID, Name: spec.Name, Description: spec.Description,
		Subject: spec.Subject, KeyAlgorithm: string(want.algorithm), KeyURI: keyURI(signer),
		ExpiresAt: cert.NotAfter.UTC(), CreatedAt: of.now, UpdatedAt: of.now,
	}
	made, err := s.keepSuccessor(ctx, of, record, madeCA{cert: cert, signer: signer, issuer: of.parent}, cross)
	s.unused(ctx, want, signer, err)
	return made, err
}

// certifySuccessor signs the certificate of a successor, and that by which peers of the predecessor
// accept it; nil: there is none.
func (s *CAs) certifySuccessor(
	ctx context.Context, of renewedCA, prepared *ca.Prepared, signer crypto.Signer,
) (cert, cross *x509.Certificate, err error) {
	if cert, err = signCA(ctx, prepared, of.parent, signer); err != nil {
		return nil, nil, err
	}
	if err := s.checkSubject(ctx, of, cert); err != nil {
		return nil, nil, err
	}
	cross, err = of.cross(ctx, cert)
	return cert, cross, err
}

func (s *CAs) planSuccessor(
	ctx context.Context, of renewedCA, asked domain.CARenewal,
) (spec domain.CASpec, want wantedKey, err error) {
	if of.record.SuccessorID != 0 {
		return spec, want, domain.Fault(domain.Rule, "id", domain.ReasonSucceeded)
	}
	if of.foreign() {
		return spec, want, domain.Fault(domain.Rule, "cert", domain.ReasonNoIssuer)
	}
	spec = domain.CASpec{
		Name: asked.Name, Description: of.record.Description, Subject: of.record.Subject, Expiration: asked.Expiration,
		ParentID: of.record.ParentID,
	}
	if spec.Name == "" {
		spec.Name = nextName(of.record.Name)
	}
	if length := ca.PathLength(of.present()); length >= 0 {
		spec.PathLength = &length
	}
	spec.KeyAlgorithm, spec.KeyStore = asked.KeyAlgorithm, cmp.Or(asked.KeyStore, of.keyStore())
	if spec.KeyAlgorithm == "" && ca.KeyAlgorithm(of.record.KeyAlgorithm).Valid() {
		spec.KeyAlgorithm = of.record.KeyAlgorithm
	}
	want, err = s.wantKey(ctx, spec)
	return spec, want, errors.Join(err, domain.CheckCAName("name", spec.Name), s.checkName(ctx, spec.Name))
}

// nextName is the name of the successor of a CA: its own with the number of the generation.
func nextName(name string) string {
	if i := strings.LastIndex(name, " G"); i >= 0 {
		if n, err := strconv.ParseUint(name[i+2:], 10, 31); err == nil && n > 1 {
			return fmt.Sprintf("%s G%d", name[:i], n+1)
		}
	}
	return name + " G2"
}

// successorKey makes the key of a successor; that of a dry run is a cheap one.
func (s *CAs) successorKey(
	ctx context.Context, want wantedKey,
) (crypto.Signer, context.Context, context.CancelFunc, error) {
	if domain.OriginOf(ctx).DryRun {
		want.algorithm = ca.ECDSAP256
	}
	return s.makeCAKey(ctx, want)
}

// keyStore is the name of the store that the key is in; empty: the database.
func (r renewedCA) keyStore() string {
	if stored, ok := r.authority.Signer.(storedSigner); ok {
		return cmp.Or(stored.Store(), r.record.KeyURI)
	}
	return ""
}

// checkSubject checks that no CA has the subject of a successor that peers will trust with it.
func (s *CAs) checkSubject(ctx context.Context, of renewedCA, cert *x509.Certificate) error {
	f, err := readFamily(ctx, s.Store, of.record.ID, of.now)
	if err != nil {
		return err
	}
	for _, der := range f.certificates {
		one, err := ca.ReadCertificate(der)
		if err != nil {
			return err
		}
		if ca.SameSubject(one, cert) {
			return domain.Fault(domain.Rule, "name", domain.ReasonSuccession)
		}
	}
	return nil
}

// cross signs the key of a successor with that of a root, until the first of both ends. It returns
// nil where there is no such certificate: the CA is below another one, has ended, or allows no CA
// below it.
func (r renewedCA) cross(ctx context.Context, cert *x509.Certificate) (*x509.Certificate, error) {
	end := cert.NotAfter
	if r.present().NotAfter.Before(end) {
		end = r.present().NotAfter
	}
	if r.parent != nil || !r.now.Before(end) {
		return nil, nil
	}
	cross, err := r.authority.Within(ctx).CrossSign(cert, r.now.Add(-backdate), end)
	if errors.Is(err, ca.ErrPathLength) {
		return nil, nil
	}
	return cross, issuingFault(err, nil)
}

// keepSuccessor stores a successor, and what its predecessor has signed for it. cross may be nil.
func (s *CAs) keepSuccessor(
	ctx context.Context, of renewedCA, record domain.CA, made madeCA, cross *x509.Certificate,
) (domain.CA, error) {
	key, err := made.key(s.Keys)
	if err != nil {
		return domain.CA{}, err
	}
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := tx.Instances().Outdate(ctx, of.record.ID); err != nil {
			return none, err
		}
		before, err := lockPresent(ctx, tx, of)
		if err != nil {
			return none, err
		}
		if before.SuccessorID != 0 {
			return none, domain.Fault(domain.Rule, "id", domain.ReasonSucceeded)
		}
		if made.issuer != nil {
			if err := keepIssued(ctx, tx, record.ParentID, made.issuer, made.cert, of.now); err != nil {
				return none, err
			}
		}
		if err := tx.CAs().Create(ctx, &record, key, domain.CRLState{}); err != nil {
			return none, err
		}
		if err := keepCross(ctx, tx, of, record, cross); err != nil {
			return none, err
		}
		return succeeded(ctx, record, made.cert, cross), nil
	})
	if err != nil {
		return domain.CA{}, err
	}
	return record, nil
}

// keepCross stores a cross-certificate with the CA that it is for, and among those of the CA that
// has signed it, so that it can be revoked there.
func keepCross(ctx context.Context, tx domain.Store, of renewedCA, record domain.CA, cross *x509.Certificate) error {
	if cross == nil {
		return nil
	}
	err := tx.CAs().AddCertificate(ctx, &domain.CACertificate{
		CAID: record.ID, Kind: domain.CACertificateCross, DER: cross.Raw, CreatedAt: of.now,
	})
	if err != nil {
		return err
	}
	issued := described(of.record.ID, domain.CertificateOfCA, cross, of.now)
	return tx.Certificates().Create(ctx, &issued)
}

func succeeded(ctx context.Context, record domain.CA, cert, cross *x509.Certificate) audit.Change {
	done := cas.Created(record)
	done.Action = domain.ActionRenew
	done.After["predecessor_id"], done.After["cross_signed"] = record.PredecessorID, cross != nil
	done.After["serial"] = ca.FormatSerial(cert.SerialNumber)
	done.Details = []slog.Attr{slog.Int64("predecessor_id", record.PredecessorID)}
	if domain.OriginOf(ctx).DryRun {
		done.ID = 0 // another run has another
	}
	return hideDraft(ctx, done)
}
