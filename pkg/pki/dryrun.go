package pki

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// draft makes the certificate of a dry run. Its key is a cheap one that nobody keeps: the key that
// was asked for may take seconds.
func (s *Issuing) draft(
	ctx context.Context, plan issuePlan, kind domain.CertificateKind,
) (domain.Certificate, error) {
	signer, err := s.Generator.Generate(ctx, ca.ECDSAP256)
	if err != nil {
		return domain.Certificate{}, err
	}
	record, err := plan.issue(ctx, signer.Public(), kind)
	if err != nil {
		return domain.Certificate{}, err
	}
	record.KeyAlgorithm = string(plan.algorithm)
	s.keepKey(&record, nil, plan.key.Password)
	return record, nil
}

// hideDraft takes out of a change what another run makes anew: the serial number.
func hideDraft(ctx context.Context, done audit.Change) audit.Change {
	if domain.OriginOf(ctx).DryRun {
		done.After["serial"] = nil
	}
	return done
}
