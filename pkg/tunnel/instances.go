package tunnel

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Instances are the use cases of OpenVPN servers.
type Instances struct {
	Store        domain.Store
	Certificates *pki.Certificates
	CRLs         *pki.CRLs
	Keys         *seal.Keyring
	Recorder     *audit.Recorder
	Changes      Changes
	Now          func() time.Time
	Log          *slog.Logger
	OCSPURL      string // see pki.Authorities; empty: not known
}

// Page lists instances.
func (s *Instances) Page(
	ctx context.Context, filter domain.InstanceFilter, page domain.PageRequest,
) (domain.Page[domain.Instance], error) {
	return s.Store.Instances().Page(ctx, filter, page)
}

// Get returns one instance.
func (s *Instances) Get(ctx context.Context, id int64) (domain.Instance, error) {
	return s.Store.Instances().Get(ctx, id)
}

// Create makes an instance, with a key and a certificate for its server, and the key of its control
// channel.
func (s *Instances) Create(ctx context.Context, spec domain.InstanceSpec) (domain.Instance, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Instance, error) { return s.create(ctx, spec) })
}

func (s *Instances) create(ctx context.Context, spec domain.InstanceSpec) (made domain.Instance, err error) {
	i, err := spec.Instance()
	if err != nil {
		return i, err
	}
	if err := s.checkConfiguration(ctx, s.Store, i); err != nil {
		return i, err
	}
	control := newControlKey(i.Control)
	asked := serverSpec(i, spec.KeyAlgorithm)
	asked.Expiration = spec.Expiration
	err = s.Certificates.WithServer(ctx, asked, func(ctx context.Context, cert domain.Certificate) error {
		made = i
		return s.keep(ctx, &made, cert, control)
	})
	return made, ofRemotes(err)
}

// serverSpec is what is asked of the certificate of an instance.
func serverSpec(i domain.Instance, algorithm string) domain.ServerSpec {
	return domain.ServerSpec{
		CAID: i.CAID, Name: i.Name, AltNames: i.AltNames(), Subject: i.Subject, KeyAlgorithm: algorithm,
	}
}

// ofRemotes says of faults of the certificate's names that they are faults of the remotes: the
// names are those of the remotes.
func ofRemotes(err error) error {
	for _, fault := range domain.Faults(err) {
		if strings.HasPrefix(fault.Field, "subject_alt_names") {
			fault.Field = "remotes"
		}
	}
	return err
}

// keep stores a new instance with everything that belongs to it.
func (s *Instances) keep(ctx context.Context, i *domain.Instance, cert domain.Certificate, control []byte) error {
	i.CreatedAt, i.UpdatedAt = cert.CreatedAt, cert.CreatedAt
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := s.lockModel(ctx, tx, *i); err != nil {
			return none, err
		}
		if err := tx.Networks().Lock(ctx, domain.NameKey(i.Gateway)); err != nil {
			return none, err
		}
		if err := errors.Join(checkName(ctx, tx, *i), checkPort(ctx, tx, *i)); err != nil {
			return none, err
		}
		if err := pki.KeepServer(ctx, tx, &cert); err != nil {
			return none, err
		}
		i.Take(cert)
		if err := tx.Instances().Create(ctx, i, domain.InstanceKeys{}); err != nil {
			return none, err
		}
		if err := s.setControl(ctx, tx, i.ID, control, nil); err != nil {
			return none, err
		}
		if err := addTunnels(ctx, tx, *i); err != nil {
			return none, err
		}
		change := instances.Created(*i)
		change.Details = []slog.Attr{slog.Int64("ca_id", i.CAID), slog.String("serial", cert.Serial)}
		return change, nil
	})
}
