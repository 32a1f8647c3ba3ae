package vault

import (
	"context"
	"maps"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// transact runs fn, which changes many devices, in one transaction. There is one such transaction at a time. In this process imports wait for their
// turn before it, without a connection, which others need.
func (s *Devices) transact(ctx context.Context, fn func(tx domain.Store) error) error {
	return s.Store.Transact(ctx, func(tx domain.Store) error {
		if err := tx.Audit().Reserve(ctx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// makeNames makes the names of the plans that are new, before the transaction: in it everybody else who needs one of these would have to wait for its end.
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

// storing stores the devices of plans, and then their events, in one transaction. While the database stores one piece, the events of the piece before
// are made.
type storing struct {
	devices   *Devices
	tx        domain.Store
	importID  int64 // of the import that new devices are of, or 0
	corrected correctedNames
	counted   ImportResult
	made      func() ([]*domain.Event, error)
}

func (s *Devices) storing(tx domain.Store, importID int64) *storing {
	return &storing{
		devices: s, tx: tx, importID: importID, corrected: correctedNames{},
		made: func() ([]*domain.Event, error) { return nil, nil },
	}
}

// put stores what the plans say, of hostnames that differ.
func (w *storing) put(ctx context.Context, plans []domain.DevicePlan) error {
	changes, err := w.change(ctx, plans)
	if err != nil {
		_, _ = w.made() // ends what makes them
		return err
	}
	w.counted.count(changes)
	if err := w.record(ctx); err != nil {
		return err
	}
	w.made = w.devices.makeEvents(ctx, changes)
	return nil
}

// record stores the events of what was put before. It has to be called at the end.
func (w *storing) record(ctx context.Context) error {
	events, err := w.made()
	if err != nil {
		return err
	}
	return w.devices.Recorder.RecordAll(ctx, w.tx, events)
}

// change stores the devices. A hostname that somebody else takes at the same time is an update of theirs.
func (w *storing) change(ctx context.Context, plans []domain.DevicePlan) ([]domain.DeviceChange, error) {
	domains, err := findDeviceDomains(ctx, w.tx, plans)
	if err != nil {
		return nil, err
	}
	changes := make([]domain.DeviceChange, len(plans))
	open := make([]int, len(plans)) // the places of plans that are not stored yet
	for i := range plans {
		open[i] = i
	}
	for len(open) > 0 {
		if open, err = w.changeOnce(ctx, plans, domains, changes, open); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// changeOnce returns the places of those that somebody else has made between the look and the insertion.
func (w *storing) changeOnce(ctx context.Context, plans []domain.DevicePlan, domains deviceDomainNames, changes []domain.DeviceChange, open []int) ([]int, error) {
	hostnames := make([]string, len(open))
	for i, place := range open {
		hostnames[i] = plans[place].Hostname
	}
	present, err := w.tx.Devices().Lock(ctx, hostnames)
	if err != nil {
		return nil, err
	}
	now := w.devices.Now()
	var added []domain.Device
	var addedPlaces []int
	var updates []domain.DeviceChange
	var updatePlaces []int
	for _, place := range open {
		before := present[domain.NameKey(plans[place].Hostname)]
		w.corrected.settle(&before, plans[place])
		change := w.devices.planned(plans[place], before, domains)
		changes[place] = change
		switch {
		case change.Created():
			change.After.UpdatedAt, change.After.ImportID = now, w.importID
			added, addedPlaces = append(added, change.After), append(addedPlaces, place)
		case change.Changed():
			change.After.UpdatedAt, change.After.ImportID = now, w.importID
			updates, updatePlaces = append(updates, change), append(updatePlaces, place)
		}
	}
	if err := w.tx.Devices().Update(ctx, updates); err != nil {
		return nil, err
	}
	for i, place := range updatePlaces {
		changes[place] = updates[i]
	}
	lost, err := w.tx.Devices().Insert(ctx, added)
	for i, place := range addedPlaces {
		changes[place].After = added[i]
	}
	for i, place := range lost {
		lost[i] = addedPlaces[place]
	}
	return lost, err
}

// makeEvents begins to make an event for each device that has changed, and returns a function that waits for them.
func (s *Devices) makeEvents(ctx context.Context, changes []domain.DeviceChange) func() ([]*domain.Event, error) {
	var events []*domain.Event
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, c := range changes {
			if !c.Changed() {
				continue
			}
			var e *domain.Event
			if e, err = s.Recorder.Event(ctx, told(c)); err != nil {
				return
			}
			events = append(events, e)
		}
	}()
	return func() ([]*domain.Event, error) {
		<-done
		return events, err
	}
}

// deviceDomainNames are registered domains by what they were called, in lower case.
type deviceDomainNames map[string]domain.DeviceDomain

// findDeviceDomains looks up the domains of all plans. Errors: *domain.Error on device_domain with NotFound, or Invalid
// for a short name of several.
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

// deviceDomainTexts are what the plans call their domains, each once.
func deviceDomainTexts(plans []domain.DevicePlan) []string {
	texts := map[string]bool{}
	for _, plan := range plans {
		for _, text := range plan.Domains {
			texts[text] = true
		}
	}
	return slices.Sorted(maps.Keys(texts))
}

// ids are the domains', each once.
func (n deviceDomainNames) ids() []int64 {
	var ids []int64
	for _, found := range n {
		if !slices.Contains(ids, found.ID) {
			ids = append(ids, found.ID)
		}
	}
	return ids
}

// of gives domains their registered names, each once.
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
