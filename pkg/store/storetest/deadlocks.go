package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// testDeadlocks runs all changes of one CA, its clients, a device and its domain beside each other.
// Each takes its locks in the order that all share: no change fails because it waits for another
// that waits for it.
func testDeadlocks(t *testing.T, s domain.Store) {
	const each, rounds = 3, 10
	c := contested{Store: s, authority: newCA(t, s), place: newDomain(t, s), device: sampleDevice()}
	c.client = newClient(t, s, c.authority.ID)
	check(t, s.Devices().MakeNames(t.Context(), &c.device))
	changes := []func(context.Context) error{
		c.enrol, c.createAll, c.editCA, c.deleteCA, c.editClient, c.revoke, c.renew, c.renewAtOnce,
		c.saveDevice, c.editDomain, c.deleteDomain,
	}
	_, faults := domaintest.Together(each*len(changes), func(i int) (struct{}, error) {
		for range rounds {
			if err := changes[i%len(changes)](t.Context()); err != nil {
				return struct{}{}, fmt.Errorf("change %d: %w", i%len(changes), err)
			}
		}
		return struct{}{}, nil
	})
	for _, err := range faults {
		if err != nil {
			t.Error(err)
		}
	}
}

// contested are records that many change at once.
type contested struct {
	domain.Store
	authority domain.CA
	client    domain.Client
	place     domain.DeviceDomain
	device    domain.Device
}

// recorded makes a change and appends its event, in one transaction.
func (c contested) recorded(ctx context.Context, change func(tx domain.Store) error) error {
	return c.Transact(ctx, func(tx domain.Store) error {
		if err := change(tx); err != nil {
			return err
		}
		e := sampleEvent()
		return tx.Audit().Append(ctx, &e)
	})
}

// createAll stores clients of two names, in either order: those of another call may be there first.
func (c contested) createAll(ctx context.Context) error {
	first, second := sampleClient(c.authority.ID, "contested-1"), sampleClient(c.authority.ID, "contested-2")
	first.Serial, second.Serial = fresh("c1"), fresh("c2")
	list := []*domain.Client{&first, &second}
	if rand.IntN(2) == 0 {
		slices.Reverse(list)
	}
	err := c.recorded(ctx, func(tx domain.Store) error { return tx.Clients().CreateAll(ctx, list) })
	switch {
	case domain.IsKind(err, domain.Duplicated):
		return nil
	case err != nil:
		return err
	}
	return errors.Join(
		c.Clients().Revoke(ctx, first.ID, noon, domain.Unspecified),
		c.Clients().Revoke(ctx, second.ID, noon, domain.Unspecified),
	)
}

func (c contested) enrol(ctx context.Context) error {
	client, event := sampleClient(c.authority.ID, fresh("enrol")), sampleEvent()
	cert := sampleCertificate(client, fresh("serial"))
	return c.Clients().Enrol(ctx, &client, &cert, &event)
}

func (c contested) editCA(ctx context.Context) error {
	return c.recorded(ctx, func(tx domain.Store) error {
		record, err := tx.CAs().Lock(ctx, c.authority.ID)
		if err != nil {
			return err
		}
		record.Description = fresh("description")
		return tx.CAs().Update(ctx, record)
	})
}

// deleteCA is refused: the CA has clients.
func (c contested) deleteCA(ctx context.Context) error {
	return refused(c.recorded(ctx, func(tx domain.Store) error {
		if _, err := tx.CAs().Lock(ctx, c.authority.ID); err != nil {
			return err
		}
		return tx.CAs().Delete(ctx, c.authority.ID)
	}), domain.ReasonCAInUse)
}

func (c contested) editClient(ctx context.Context) error {
	return c.recorded(ctx, func(tx domain.Store) error {
		record, err := tx.Clients().Lock(ctx, c.client.ID)
		if err != nil {
			return err
		}
		record.Description = fresh("description")
		return tx.Clients().Update(ctx, record)
	})
}

func (c contested) revoke(ctx context.Context) error {
	return c.recorded(ctx, func(tx domain.Store) error {
		if _, err := tx.Clients().Lock(ctx, c.client.ID); err != nil {
			return err
		}
		if err := tx.Clients().Revoke(ctx, c.client.ID, noon, domain.Unspecified); err != nil {
			return err
		}
		epoch, err := tx.Revocations().Advance(ctx, c.authority.ID)
		if err != nil {
			return err
		}
		return tx.Revocations().Add(ctx, []domain.Revocation{
			{CAID: c.authority.ID, Serial: fresh("serial"), RevokedAt: noon, Epoch: epoch},
		})
	})
}

// renew gives the client another certificate, after a revocation of the CA.
func (c contested) renew(ctx context.Context) error {
	return c.recorded(ctx, func(tx domain.Store) error {
		record, err := tx.Clients().Lock(ctx, c.client.ID)
		if err != nil {
			return err
		}
		cert := sampleCertificate(record, fresh("serial"))
		if _, err = tx.Revocations().Advance(ctx, c.authority.ID); err == nil {
			err = tx.Certificates().Create(ctx, &cert)
		}
		if err != nil {
			return err
		}
		record.Take(cert)
		return tx.Clients().Renew(ctx, record)
	})
}

// renewAtOnce stores nothing when the client or the CA has changed meanwhile.
func (c contested) renewAtOnce(ctx context.Context) error {
	client, standing, err := c.Clients().Standing(ctx, c.client.ID)
	if err != nil {
		return err
	}
	r, event := domain.Renewal{Before: client, Standing: standing, After: client, Until: overlapEnd}, sampleEvent()
	r.Certificate = sampleCertificate(client, fresh("serial"))
	r.After.Take(r.Certificate)
	_, err = c.Clients().RenewAtOnce(ctx, &r, &event)
	return err
}

// saveDevice makes the device or changes it, with a nonce and another spelling of a name. It stores
// nothing when another was faster.
func (c contested) saveDevice(ctx context.Context) error {
	before, err := c.Devices().Named(ctx, c.device.Hostname)
	if err != nil && !domain.IsKind(err, domain.Missing) {
		return err
	}
	e := sampleEvent()
	save := domain.DeviceSave{
		DeviceChange: domain.DeviceChange{Before: before, After: c.device}, DomainIDs: []int64{c.place.ID},
		Nonce: &domain.Nonce{Key: "key", Value: fresh("nonce"), At: noon}, Event: &e,
	}
	save.After.ID, save.After.IP = before.ID, fresh("address")
	save.After.Domains = []string{c.place.Name}
	_, err = c.Devices().Save(ctx, &save)
	if errors.Is(err, domain.ErrNamesMoved) {
		return nil
	}
	return err
}

func (c contested) editDomain(ctx context.Context) error {
	return c.recorded(ctx, func(tx domain.Store) error {
		record, err := tx.DeviceDomains().Lock(ctx, c.place.ID)
		if err != nil {
			return err
		}
		record.ShortName = fresh("short")
		return tx.DeviceDomains().Update(ctx, record)
	})
}

// deleteDomain is undone, so that the others go on.
func (c contested) deleteDomain(ctx context.Context) error {
	return refused(c.recorded(ctx, func(tx domain.Store) error {
		if _, err := tx.DeviceDomains().Lock(ctx, c.place.ID); err != nil {
			return err
		}
		if err := tx.DeviceDomains().Delete(ctx, c.place.ID); err != nil {
			return err
		}
		return domain.Fault(domain.Rule, "id", domain.ReasonInUse)
	}), domain.ReasonInUse)
}

// refused drops the refusal that was to come, and is an error when it did not.
func refused(err error, reason domain.Reason) error {
	if fault, ok := errors.AsType[*domain.Error](err); ok && fault.Reason == reason {
		return nil
	}
	return fmt.Errorf("not refused: %w", err)
}
