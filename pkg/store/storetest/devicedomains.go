package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func newDomain(t testing.TB, s domain.Store) domain.DeviceDomain {
	t.Helper()
	d := domain.DeviceDomain{
		Name: fresh("Corp.example.com"), ShortName: fresh("CORP"), CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
	check(t, s.DeviceDomains().Create(t.Context(), &d))
	return d
}

// deviceDomainRules is the contract of domain.DeviceDomains.
var deviceDomainRules = rules{
	{storedForm, testDomainForm},
	{missing, testDomainMissing},
	{unique, testDomainUnique},
	{updates, testDomainUpdates},
	{references, testDomainReferences},
	{order, testDomainOrder},
	{locks, testDomainLocks},
}

func testDomainForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a domain is read back whole, with a short name or without", func(t *testing.T) {
		one := newDomain(t, s)
		wantSame(t, must(s.DeviceDomains().Get(ctx, one.ID))(t), one)
		for range 2 { // none is no duplicate
			bare := domain.DeviceDomain{Name: fresh("bare"), CreatedAt: noon, UpdatedAt: noon}
			check(t, s.DeviceDomains().Create(ctx, &bare))
			wantSame(t, must(s.DeviceDomains().Get(ctx, bare.ID))(t), bare)
		}
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			locked, err := tx.DeviceDomains().Lock(ctx, one.ID)
			wantSame(t, locked, one)
			return err
		}))
	})
}

func testDomainMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		_, err := s.DeviceDomains().Get(ctx, absent)
		wantMissing(t, err)
		_, err = s.DeviceDomains().Lock(ctx, absent)
		wantMissing(t, err)
		wantMissing(t, s.DeviceDomains().Delete(ctx, absent))
		wantMissing(t, s.DeviceDomains().Update(ctx, domain.DeviceDomain{ID: absent}))
	})
}

func testDomainUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("names are taken regardless of case, short names are not", func(t *testing.T) {
		taken, other := newDomain(t, s), newDomain(t, s)
		again := domain.DeviceDomain{Name: strings.ToUpper(taken.Name), CreatedAt: noon, UpdatedAt: noon}
		wantFault(t, s.DeviceDomains().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
		third := domain.DeviceDomain{
			Name: fresh("x"), ShortName: strings.ToLower(taken.ShortName), CreatedAt: noon, UpdatedAt: noon,
		}
		check(t, s.DeviceDomains().Create(ctx, &third))
		other.ShortName = strings.ToUpper(taken.ShortName)
		check(t, s.DeviceDomains().Update(ctx, other))
		found := must(s.DeviceDomains().Find(ctx, []string{taken.ShortName, taken.Name}))(t)
		wantSame(t, found[domain.NameKey(taken.ShortName)], []domain.DeviceDomain{taken, other, third})
		wantSame(t, found[domain.NameKey(taken.Name)], []domain.DeviceDomain{taken})
	})
}

func testDomainUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update changes the short name", func(t *testing.T) {
		d := newDomain(t, s)
		for _, short := range []string{fresh("new"), ""} {
			d.ShortName, d.UpdatedAt = short, noon.Add(time.Hour)
			check(t, s.DeviceDomains().Update(ctx, d))
			wantSame(t, must(s.DeviceDomains().Get(ctx, d.ID))(t), d)
		}
	})
}

func testDomainReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a domain that a device is in stays", func(t *testing.T) {
		d := newDomain(t, s)
		device := sampleDevice()
		device.Domains = []string{d.Name}
		device = insertDevices(t, s, device)[0]
		wantFault(t, s.DeviceDomains().Delete(ctx, d.ID), domain.Rule, "id", domain.ReasonInUse)
		left := device
		left.Domains = nil
		check(t, s.Devices().Update(ctx, []domain.DeviceChange{{Before: device, After: left}}))
		check(t, s.DeviceDomains().Delete(ctx, d.ID))
		_, err := s.DeviceDomains().Get(ctx, d.ID)
		wantMissing(t, err)
	})
}

func testDomainOrder(t *testing.T, s domain.Store) {
	t.Run("domains are found by either name, and a name goes first", func(t *testing.T) { testFindDomains(t, s) })
}

func testDomainLocks(t *testing.T, s domain.Store) {
	t.Run("of two who delete and use a domain one wins", func(t *testing.T) { testDomainRace(t, s) })
}

func testFindDomains(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one := newDomain(t, s)
	shadow := domain.DeviceDomain{Name: one.ShortName, CreatedAt: noon, UpdatedAt: noon}
	two := newDomain(t, s)
	texts := []string{
		strings.ToUpper(one.Name), strings.ToLower(one.ShortName), two.ShortName, "nobody", "a\x00", "\xff", "",
	}
	for i := range 1500 { // more than one statement takes
		texts = append(texts, fmt.Sprint("absent", i))
	}
	find := func(s domain.Store) map[string]domain.DeviceDomain {
		found := must(s.DeviceDomains().Find(ctx, texts))(t)
		asked := map[string]domain.DeviceDomain{}
		for _, text := range texts {
			if d := found[domain.NameKey(text)]; len(d) == 1 {
				asked[text] = d[0]
			}
		}
		return asked
	}
	want := map[string]domain.DeviceDomain{texts[0]: one, texts[1]: one, texts[2]: two}
	wantSame(t, find(s), want)
	check(t, s.DeviceDomains().Create(ctx, &shadow))
	want[texts[1]] = shadow
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		wantSame(t, find(tx), want)
		return nil
	}))
	wantSame(t, len(must(s.DeviceDomains().Find(ctx, nil))(t)), 0)
	walk(t, s.DeviceDomains().Page, pageIDs(must(s.DeviceDomains().Page(ctx, domain.PageRequest{Size: 100}))(t)), 2)
}

// testDomainRace checks that no device is in a domain that is gone, whichever comes first.
func testDomainRace(t *testing.T, s domain.Store) {
	ctx := t.Context()
	for range 10 {
		d := newDomain(t, s)
		_, faults := domaintest.Together(2, func(i int) (struct{}, error) {
			if i == 0 {
				return struct{}{}, s.DeviceDomains().Delete(ctx, d.ID)
			}
			return struct{}{}, s.Transact(ctx, func(tx domain.Store) error {
				found, err := tx.DeviceDomains().Find(ctx, []string{d.ShortName})
				if err != nil {
					return err
				}
				if len(found[domain.NameKey(d.ShortName)]) == 0 {
					return domain.Fault(domain.NotFound, "device_domain", domain.ReasonNotFound)
				}
				device := sampleDevice()
				device.Domains = []string{d.Name}
				_, err = tx.Devices().Insert(ctx, []domain.Device{device})
				return err
			})
		})
		if faults[0] == nil {
			wantFault(t, faults[1], domain.NotFound, "device_domain", domain.ReasonNotFound)
			continue
		}
		wantFault(t, faults[0], domain.Rule, "id", domain.ReasonInUse)
		check(t, faults[1])
	}
}
