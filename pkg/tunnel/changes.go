package tunnel

import (
	"context"
	"errors"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// Update changes an instance. Its Version grows when the profiles of its sites become stale, and a
// campaign begins. A new protection of the control channel gets a new key.
func (s *Instances) Update(
	ctx context.Context, id int64, update domain.InstanceUpdate,
) (record domain.Instance, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.Instances()
		var before domain.Instance
		lock := func(ctx context.Context, id int64) (domain.Instance, error) {
			before, err = rows.Lock(ctx, id)
			return before, err
		}
		record, done, err = instances.Edit(ctx, id, lock, rows.Update, func(i *domain.Instance) error {
			i.UpdatedAt = s.Now()
			if err := update.Apply(i); err != nil {
				return err
			}
			return s.change(ctx, tx, before, i)
		})
		return done, err
	})
	return record, err
}

// change does what a change of an instance brings with it.
func (s *Instances) change(ctx context.Context, tx domain.Store, before domain.Instance, i *domain.Instance) error {
	if instances.Same(before, *i) {
		return nil
	}
	if err := s.lockModel(ctx, tx, *i); err != nil {
		return err
	}
	if err := s.checkConfiguration(ctx, tx, *i); err != nil {
		return err
	}
	if err := moveTunnels(ctx, tx, before, *i); err != nil {
		return err
	}
	if err := checkPort(ctx, tx, *i); err != nil {
		return err
	}
	if before.Stale(*i) {
		if err := s.outdate(ctx, tx, before, i, before.Control != i.Control); err != nil {
			return err
		}
	}
	if err := outdateRoutes(ctx, tx, before, *i); err != nil {
		return err
	}
	if before.RenewBefore == i.RenewBefore {
		return nil
	}
	cert, err := tx.Certificates().Get(ctx, i.CertificateID)
	i.RenewAt = i.RenewalOf(cert.NotBefore, cert.NotAfter)
	return err
}

// Reload notes that the server is to read its configuration again. What runs the server finds it in
// the instance; the service itself reaches no server.
func (s *Instances) Reload(ctx context.Context, id int64) (domain.Instance, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (record domain.Instance, err error) {
		err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
			rows := tx.Instances()
			record, done, err = instances.Edit(ctx, id, rows.Lock, rows.Update, func(i *domain.Instance) error {
				i.ReloadedAt = s.Now()
				return nil
			})
			return done, err
		})
		return record, err
	})
}

// Delete removes an instance, and revokes the certificate of its server. An instance that sites
// have configs of is refused, unless force: then the configs and networks of the sites go with it,
// but not the sites.
func (s *Instances) Delete(ctx context.Context, id int64, force bool) error {
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		before, err := tx.Instances().Lock(ctx, id)
		if err != nil {
			return none, err
		}
		if err := tx.Networks().Lock(ctx, domain.NameKey(before.Gateway)); err != nil {
			return none, err
		}
		sites, err := removeSites(ctx, tx, id, force)
		if err != nil {
			return none, err
		}
		if err := errors.Join(tx.Enrolments().RemoveOf(ctx, id), tx.Campaigns().RemoveOf(ctx, id)); err != nil {
			return none, err
		}
		if err := errors.Join(tx.Agents().Remove(ctx, id), tx.TunnelSessions().Remove(ctx, id)); err != nil {
			return none, err
		}
		if err := removeTunnels(ctx, tx, id); err != nil {
			return none, err
		}
		if err := tx.Instances().Delete(ctx, id); err != nil {
			return none, err
		}
		now := s.Now()
		if _, err := pki.RevokeServer(ctx, tx, before.CertificateID, now, domain.CessationOfOperation); err != nil {
			return none, err
		}
		done := instances.Deleted(before)
		done.Before["sites"] = sites
		done.Details = []slog.Attr{slog.Int("sites", sites)}
		return done, nil
	})
}

// siteBatch is how many sites are read at once.
const siteBatch = 500

// removeSites removes the configs of an instance, and returns how many there were.
func removeSites(ctx context.Context, tx domain.Store, id int64, force bool) (removed int, err error) {
	for {
		batch, err := tx.ClientConfigs().After(ctx, id, 0, siteBatch)
		if err != nil || len(batch) == 0 {
			return removed, err
		}
		if !force {
			return 0, domain.Fault(domain.Rule, "id", domain.ReasonHasSites)
		}
		networks, err := tx.Networks().OfSites(ctx, id, 0, batch[len(batch)-1].ClientID)
		if err != nil {
			return 0, err
		}
		ids := make([]int64, len(networks))
		for k, n := range networks {
			ids[k] = n.ID
		}
		if err := tx.Networks().Remove(ctx, ids); err != nil {
			return 0, err
		}
		for _, config := range batch {
			if err := tx.ClientConfigs().Delete(ctx, id, config.ClientID); err != nil {
				return 0, err
			}
		}
		removed += len(batch)
	}
}
