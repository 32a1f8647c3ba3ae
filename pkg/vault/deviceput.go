package vault

import (
	"context"
	"maps"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// transact runs fn, which changes many devices, in one transaction. Audit.Reserve serializes these
// transactions. Imports of this process wait for their turn before the transaction begins, so that
// a waiting import holds no connection.
func (s *Devices) transact(ctx context.Context, fn func(tx domain.Store) error) error {
	return s.Store.Transact(ctx, func(tx domain.Store) error {
		if err := tx.Audit().Reserve(ctx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// makeNames creates the names of the plans that do not exist yet. It runs before the transaction:
// inside it, any other transaction that needs one of the new names would have to wait until it
// ends.
func (s *Devices) makeNames(ctx context.Context, plans []domain.DevicePlan) error {
	var named []*domain.Device
	seen := map[[4]string]bool{}
	for _, p := range plans {
		if names := [4]string{p.Model, p.Type, p.Vendor, p.Site}; !seen[names] {
			seen[names] = true
			named = append(named, &domain.Device{Model: p.Model, Type: p.Type, Vendor: p.Vendor, Site: p.Site})
		}
	}
	return s.Store.Devices().MakeNames(ctx, named...)
}

// storing stores the devices of plans, with their audit events, in one transaction.
type storing struct {
	devices   *Devices
	tx        domain.Store
	importID  int64 // of the unfinished import that stores the devices; 0: none
	corrected correctedNames
	counted   ImportResult
}

func (s *Devices) storing(tx domain.Store, importID int64) *storing {
	return &storing{devices: s, tx: tx, importID: importID, corrected: correctedNames{}}
}

// put stores the plans, whose hostnames must differ, and records their events.
func (w *storing) put(ctx context.Context, plans []domain.DevicePlan) error {
	changes, err := w.change(ctx, plans)
	if err != nil {
		return err
	}
	w.counted.count(changes)
	events, err := w.devices.events(ctx, changes)
	if err != nil {
		return err
	}
	return w.devices.Recorder.RecordAll(ctx, w.tx, events)
}

// events makes an event for each device that has changed.
func (s *Devices) events(ctx context.Context, changes []domain.DeviceChange) ([]*domain.Event, error) {
	var events []*domain.Event
	for _, c := range changes {
		if !c.Changed() {
			continue
		}
		e, err := s.Recorder.Event(ctx, told(c))
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// pendingChange is a plan that is not stored yet, and where the change of its device goes.
type pendingChange struct {
	plan   domain.DevicePlan
	change *domain.DeviceChange
}

// change stores the devices. If another transaction inserts a hostname at the same time, the plan
// becomes an update of that device.
func (w *storing) change(ctx context.Context, plans []domain.DevicePlan) ([]domain.DeviceChange, error) {
	domains, err := findDeviceDomains(ctx, w.tx, plans)
	if err != nil {
		return nil, err
	}
	changes, pending := make([]domain.DeviceChange, len(plans)), make([]pendingChange, len(plans))
	for i := range plans {
		pending[i] = pendingChange{plans[i], &changes[i]}
	}
	for len(pending) > 0 {
		if pending, err = w.changeOnce(ctx, domains, pending); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// changeOnce makes one attempt and returns the changes that are still pending: those of hostnames
// that another transaction inserted after this one had looked them up.
func (w *storing) changeOnce(
	ctx context.Context, domains deviceDomainNames, pending []pendingChange,
) ([]pendingChange, error) {
	hostnames := make([]string, len(pending))
	for i, p := range pending {
		hostnames[i] = p.plan.Hostname
	}
	present, err := w.tx.Devices().Lock(ctx, hostnames)
	if err != nil {
		return nil, err
	}
	now := w.devices.Now()
	var created, updated []pendingChange
	for _, p := range pending {
		before := present[domain.NameKey(p.plan.Hostname)]
		w.corrected.settle(&before, p.plan)
		*p.change = w.devices.planned(p.plan, before, domains)
		switch {
		case p.change.Created():
			created = append(created, p)
		case p.change.Changed():
			updated = append(updated, p)
		default:
			continue
		}
		p.change.After.UpdatedAt, p.change.After.ImportID = now, w.importID
	}
	if err := w.update(ctx, updated); err != nil {
		return nil, err
	}
	return w.insert(ctx, created)
}

func (w *storing) update(ctx context.Context, updated []pendingChange) error {
	changes := make([]domain.DeviceChange, len(updated))
	for i, p := range updated {
		changes[i] = *p.change
	}
	err := w.tx.Devices().Update(ctx, changes)
	for i, p := range updated {
		*p.change = changes[i]
	}
	return err
}

// insert returns the changes whose hostname was taken by another transaction.
func (w *storing) insert(ctx context.Context, created []pendingChange) (taken []pendingChange, err error) {
	devices := make([]domain.Device, len(created))
	for i, p := range created {
		devices[i] = p.change.After
	}
	lost, err := w.tx.Devices().Insert(ctx, devices)
	for i, p := range created {
		p.change.After = devices[i]
	}
	for _, i := range lost {
		taken = append(taken, created[i])
	}
	return taken, err
}

// deviceDomainNames maps what the plans call their domains, as a name key, to the registered
// domains.
type deviceDomainNames map[string]domain.DeviceDomain

// findDeviceDomains looks up the domains of all plans. Errors: *domain.Error on device_domain with
// NotFound, or Invalid for a short name that several domains have.
func findDeviceDomains(ctx context.Context, tx domain.Store, plans []domain.DevicePlan) (deviceDomainNames, error) {
	texts := deviceDomainTexts(plans)
	if len(texts) == 0 {
		return nil, nil
	}
	found, err := tx.DeviceDomains().Find(ctx, texts)
	if err != nil {
		return nil, err
	}
	names := deviceDomainNames{}
	for _, text := range texts {
		key := domain.NameKey(text)
		if fault := deviceDomainFault(found[key]); fault != nil {
			return nil, fault
		}
		names[key] = found[key][0]
	}
	return names, nil
}

// deviceDomainTexts returns the distinct names by which the plans call their domains.
func deviceDomainTexts(plans []domain.DevicePlan) []string {
	texts := map[string]bool{}
	for _, plan := range plans {
		for _, text := range plan.Domains {
			texts[text] = true
		}
	}
	return slices.Sorted(maps.Keys(texts))
}

// ids returns the distinct ids of the domains.
func (n deviceDomainNames) ids() []int64 {
	var ids []int64
	for _, found := range n {
		if !slices.Contains(ids, found.ID) {
			ids = append(ids, found.ID)
		}
	}
	return ids
}

// of returns the registered names of the domains, each once.
func (n deviceDomainNames) of(texts []string) []string {
	names := []string{}
	seen := map[int64]bool{}
	for _, text := range texts {
		d := n[domain.NameKey(text)]
		if !seen[d.ID] {
			seen[d.ID] = true
			names = append(names, d.Name)
		}
	}
	return names
}
