package pki

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strconv"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// certificates describes certificates to the audit and the log.
var certificates = audit.Resource[domain.Certificate]{
	Scope: domain.ResourceCertificates, Facts: certificateFacts,
	Name: func(c domain.Certificate) (int64, string) { return c.ID, c.Name },
}

func certificateFacts(c domain.Certificate) audit.Facts {
	return audit.Facts{
		"name": c.Name, "kind": string(c.Kind), "ca_id": c.CAID, "serial": c.Serial,
		"expires_at": audit.Moment(c.NotAfter), "key_kept": c.KeyKept, "key_protected": c.KeyProtected,
	}
}

// CreateServer issues a certificate for an OpenVPN server.
func (s *Certificates) CreateServer(ctx context.Context, spec domain.ServerSpec) (domain.Certificate, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Certificate, error) {
		made, err := s.createServer(ctx, spec)
		for n := 0; n < moreTries && s.otherCA(ctx, err, spec.CAID); n++ {
			made, err = s.createServer(ctx, spec)
		}
		return made, err
	})
}

func (s *Certificates) createServer(ctx context.Context, spec domain.ServerSpec) (domain.Certificate, error) {
	plan, err := s.planServer(ctx, spec)
	if err != nil {
		return domain.Certificate{}, err
	}
	cert, ctx, done, err := s.make(ctx, plan, domain.CertificateOfServer)
	if err != nil {
		return domain.Certificate{}, err
	}
	defer done()
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := checkIssuer(ctx, tx, cert); err != nil {
			return none, err
		}
		if err := tx.Certificates().Create(ctx, &cert); err != nil {
			return none, err
		}
		change := certificates.Created(cert)
		change.Result = told(cert)
		change.Details = []slog.Attr{slog.Int64("ca_id", cert.CAID), slog.String("serial", cert.Serial)}
		return change, nil
	})
	return told(cert), err
}

// told is a certificate as lists have it, without its large parts.
func told(c domain.Certificate) domain.Certificate {
	c.DER, c.SealedKey, c.Issuer = nil, nil, nil
	return c
}

func (s *Certificates) planServer(ctx context.Context, spec domain.ServerSpec) (issuePlan, error) {
	plan, err := s.begin(ctx, spec.CAID, spec.Key())
	if err := errors.Join(spec.Validate(), err); err != nil {
		return plan, err
	}
	end, err := certificateEnd(plan.now, spec.Expiration, plan.authority.Certificate.NotAfter)
	if err != nil {
		return plan, err
	}
	request := ca.ServerRequest{
		Subject: certificateSubject(spec.Name, spec.Subject), NotBefore: plan.now.Add(-backdate), NotAfter: end,
	}
	places := altNames(spec, &request)
	plan.certificate, err = plan.authority.PrepareServer(request)
	return plan, issuingFault(err, places)
}

// altNames sorts the names of a server by their kind, and returns the field of each. Without any,
// the common name is one, if it is a host name.
func altNames(spec domain.ServerSpec, request *ca.ServerRequest) map[ca.NameKind][]string {
	if len(spec.AltNames) == 0 && ca.CheckServerNames([]string{spec.Name}, nil) == nil {
		request.DNSNames = []string{spec.Name}
	}
	places := map[ca.NameKind][]string{}
	for i, name := range spec.AltNames {
		field := "subject_alt_names[" + strconv.Itoa(i) + "]"
		if address, err := netip.ParseAddr(name); err == nil {
			request.IPAddresses = append(request.IPAddresses, address)
			places[ca.IPName] = append(places[ca.IPName], field)
			continue
		}
		request.DNSNames = append(request.DNSNames, name)
		places[ca.DNSName] = append(places[ca.DNSName], field)
	}
	return places
}
