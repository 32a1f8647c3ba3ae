package vault_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

func upserted(c domain.DeviceChange, err error) (domain.Device, bool, error) {
	return c.After, c.Created(), err
}

func upsert(t testing.TB, w *World, spec domain.DeviceSpec) domain.Device {
	t.Helper()
	device, _, err := upserted(w.Devices.Upsert(t.Context(), spec, nil))
	Check(t, err)
	return device
}

func newDomain(t testing.TB, w *World, name, short string) domain.DeviceDomain {
	t.Helper()
	return Must(w.DeviceDomains.Create(t.Context(), domain.DeviceDomain{Name: name, ShortName: short}))(t)
}

func TestDevices_Upsert(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	newDomain(t, w, "corp.example.com", "CORP")
	full := DeviceSpec(" Win 1 ")
	full.Domains, full.Connectivities, full.Remote, full.Tags = new("corp,CORP.example.com"), new("ssh,RDP:3390"),
		new("SSH:User::x"), new("api, app")
	made, created, err := upserted(w.Devices.Upsert(ctx, full, nil))
	Check(t, err)
	want := domain.Device{
		ID: made.ID, Hostname: "Win 1", IP: "10.0.0.1", Model: "RHEL", Type: "Server", Vendor: "Red Hat", Site: "Cloud",
		Domains:        []string{"corp.example.com"},
		Connectivities: []domain.Connectivity{{Type: "SSH", Port: 22}, {Type: "RDP", Port: 3390}},
		Remote:         []domain.RemoteExpression{{Connectivity: "SSH", Expect: "User:", Fill: "x"}},
		Tags:           []string{"api", "app"}, Enabled: true,
		Revision: 1, CreatedAt: Noon, UpdatedAt: Noon,
	}
	WantSame(t, created, true)
	WantSame(t, made, want)
	WantSame(t, Must(w.Devices.ByID(ctx, made.ID))(t), want)

	t.Run("the same again, with lists in another order, changes nothing and leaves no event", func(t *testing.T) {
		before := w.CountEvents(t)
		w.Clock.Pass(time.Minute)
		again := full
		again.Tags, again.Connectivities = new("app, api"), new("SSH:22, RDP:3390")
		same, created, err := upserted(w.Devices.Upsert(ctx, again, nil))
		Check(t, err)
		WantSame(t, created, false)
		WantSame(t, same, want)
		WantSame(t, Must(w.Devices.ByID(ctx, made.ID))(t), want)
		WantSame(t, w.CountEvents(t), before)
	})
	t.Run("absent fields stay", func(t *testing.T) {
		change := DeviceSpec("Win 1")
		change.IP = "10.0.0.2"
		want.IP, want.UpdatedAt, want.Revision = "10.0.0.2", w.Clock.Now(), 2
		WantSame(t, upsert(t, w, change), want)
		events := w.Events(t)
		last := events[len(events)-1]
		WantSame(
			t, []string{last.Before, last.After, string(last.Action)},
			[]string{`{"ip":"10.0.0.1"}`, `{"ip":"10.0.0.2"}`, "update"},
		)
	})
	t.Run("empty fields are cleared", func(t *testing.T) {
		change := DeviceSpec("win 1")
		change.Tags, change.Domains, change.Connectivities, change.Remote = new(""), new(""), new(""), new("")
		got := upsert(t, w, change)
		WantSame(t, len(got.Tags)+len(got.Domains)+len(got.Connectivities)+len(got.Remote), 0)
		WantSame(
			t, Must(w.Devices.Page(ctx, domain.DeviceFilter{Tag: "api"}, domain.PageRequest{Size: 1}))(t).Items,
			[]domain.Device{},
		)
	})
}

// TestDevices_Upsert_Refused: a device that is refused is not stored.
func TestDevices_Upsert_Refused(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	newDomain(t, w, "corp.example.com", "CORP")
	t.Run("a domain that is not registered is refused, and nothing is stored", func(t *testing.T) {
		for _, text := range []string{"nobody", "corp,nobody", "corp.example", "a\x00b", "\xff"} {
			bad := DeviceSpec("with a domain")
			bad.Domains = &text
			_, err := w.Devices.Upsert(ctx, bad, nil)
			WantFaults(t, err, NewFault(domain.NotFound, "device_domain", domain.ReasonNotFound))
		}
		_, err := w.Devices.Get(ctx, "with a domain")
		WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	})
	t.Run("faults of the fields are reported before any look-up", func(t *testing.T) {
		_, err := w.Devices.Upsert(
			ctx, domain.DeviceSpec{IP: "a", Model: "b", Type: "c", Vendor: "d", Site: "e", Domains: new("nobody")}, nil,
		)
		WantFaults(t, err, NewFault(domain.Required, "hostname", domain.ReasonRequired))
	})
}

func TestDevices_Enable(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ctx := t.Context()
			device := upsert(t, w, DeviceSpec("Win 1"))
			missing, active := NewFault(domain.Missing, "id", domain.ReasonNotFound),
				NewFault(domain.Rule, "id", domain.ReasonActive)
			WantFaults(t, w.Devices.Enable(ctx, vault.Ref{Path: "win 1"}, nil), active)
			Check(t, w.Devices.Disable(ctx, vault.Ref{Path: "WIN 1"}, nil))
			WantFaults(t, w.Devices.Disable(ctx, vault.Ref{Path: "win 1"}, nil), missing)
			WantSame(t, Must(w.Devices.Get(ctx, "win 1"))(t).Enabled, false)
			change := DeviceSpec("Win 1")
			change.IP = "changed"
			WantSame(t, upsert(t, w, change).Enabled, false)
			Check(t, w.Devices.Enable(ctx, vault.Ref{Path: strconv.FormatInt(device.ID, 10)}, nil))
			WantFaults(t, w.Devices.Enable(ctx, vault.Ref{Path: "win 1"}, nil), active)
			for _, ref := range []string{
				"", "nobody", "0", "-1", "99999999999999999999", "9223372036854775807", "a\x00", "\xff",
			} {
				WantFaults(t, w.Devices.Enable(ctx, vault.Ref{Path: ref}, nil), missing)
				WantFaults(t, w.Devices.Disable(ctx, vault.Ref{Path: ref}, nil), missing)
			}
			var actions []string
			for _, e := range w.Events(t) {
				if e.Resource == domain.ScopeDevices && e.ResourceID == device.ID {
					actions = append(actions, string(e.Action)+e.After)
				}
			}
			WantSame(
				t, actions[1:], []string{`update{"enabled":false}`, `update{"ip":"changed"}`, `update{"enabled":true}`},
			)
			if !strings.HasPrefix(actions[0], `create{"connectivities":"","device_domain":""`) {
				t.Errorf("the first is %s", actions[0])
			}
			report := Must(w.Audit.Verify(ctx))(t)
			WantSame(t, len(report.Problems), 0)
		})
	}
}

// TestDevices_Get: a reference of digits is tried as an id first; one with a sign is a hostname.
func TestDevices_Get(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	first := upsert(t, w, DeviceSpec("first"))
	digits := upsert(t, w, DeviceSpec("1234"))
	shadowed := upsert(t, w, DeviceSpec(strconv.FormatInt(first.ID, 10)))
	plus := upsert(t, w, DeviceSpec("+1"))
	for ref, want := range map[string]domain.Device{
		"first": first, " FIRST ": first, "1": first, "1234": digits, "+1": plus,
		strconv.FormatInt(shadowed.ID, 10): shadowed,
	} {
		WantSame(t, Must(w.Devices.Get(t.Context(), ref))(t).Hostname, want.Hostname)
	}
}

// TestDevices_Upsert_Concurrency: concurrent upserts of one hostname make one device, and what each
// of them adds to it stays.
func TestDevices_Upsert_Concurrency(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			replicas := []*World{w, w.Replica(t)}
			newDomain(t, w, "corp.example.com", "")
			var created [32]bool
			Check(t, Together(len(created), func(i int) error {
				spec := DeviceSpec("Contested")
				switch i % 4 {
				case 0:
					spec.Tags = new("tag")
				case 1:
					spec.Domains = new("corp.example.com")
				case 2:
					spec.Connectivities = new("SSH")
				case 3:
					spec.Remote = new("SSH:a:b")
				}
				spec.Model = fmt.Sprint("Model ", i)
				_, made, err := upserted(replicas[i%2].Devices.Upsert(t.Context(), spec, nil))
				created[i] = made
				return err
			}))
			WantSame(t, len(slices.DeleteFunc(created[:], func(made bool) bool { return !made })), 1)
			page := Must(w.Devices.Page(t.Context(), domain.DeviceFilter{}, domain.PageRequest{Size: 10}))(t)
			WantSame(t, len(page.Items), 1)
			d := page.Items[0]
			WantSame(t, []int{len(d.Tags), len(d.Domains), len(d.Connectivities), len(d.Remote)}, []int{1, 1, 1, 1})
		})
	}
}

// TestDevices_Mixed_Concurrency changes a few devices in every way at once: only rules of the
// domain make a change fail, and the audit stays intact.
func TestDevices_Mixed_Concurrency(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ctx := t.Context()
			upsert(t, w, DeviceSpec("host 0"))
			Check(t, Together(8, func(i int) error {
				for round := range 6 {
					var err error
					switch spec := DeviceSpec(fmt.Sprint("host ", round%3)); i % 4 {
					case 0:
						spec.Site, spec.Model = Fresh("site"), Fresh("model")
						_, err = w.Devices.Upsert(ctx, spec, nil)
					case 1:
						err = w.Devices.Disable(ctx, vault.Ref{Path: "host 0"}, nil)
					case 2:
						err = w.Devices.Enable(ctx, vault.Ref{Path: "host 0"}, nil)
					case 3:
						_, err = w.Devices.Import(ctx, strings.NewReader(overlapping(i+round)), round%2 == 0)
					}
					if err != nil && domain.Faults(err) == nil {
						return errors.Join(fmt.Errorf("worker %d", i), err)
					}
				}
				return nil
			}))
			for _, d := range Must(w.Devices.Page(ctx, domain.DeviceFilter{}, domain.PageRequest{Size: 100}))(t).Items {
				if d.Model == "" || d.Site == "" || d.Hostname == "" {
					t.Errorf("a device is not whole: %+v", d)
				}
			}
			WantSame(t, len(Must(w.Audit.Verify(ctx))(t).Problems), 0)
		})
	}
}

// overlapping returns a file of devices that other callers change too, in an order that depends on
// n, and with new names.
func overlapping(n int) string {
	lines := make([]string, 20)
	for i := range lines {
		lines[i] = fmt.Sprintf("host %d,10.0.0.%d,model %d,type %d,vendor,site %d\n", i, n, (i+n)%30, i, n%7)
	}
	if n%2 == 1 {
		slices.Reverse(lines)
	}
	return "hostname,ip,model,type,vendor,site\n" + strings.Join(lines, "")
}

// TestDevices_Upsert_ShortName: a short name that two domains have is refused; their full names
// select each of them.
func TestDevices_Upsert_ShortName(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			first := newDomain(t, w, "corp.example.com", "CORP")
			newDomain(t, w, "corp.example.net", "corp")
			ambiguous := NewFault(domain.Invalid, "device_domain", domain.ReasonShortName)
			spec := DeviceSpec("win 1")
			for _, text := range []string{"CORP", "corp.example.net,Corp"} {
				spec.Domains = &text
				_, err := w.Devices.Upsert(t.Context(), spec, nil)
				WantFaults(t, err, ambiguous)
				WantSame(t, domain.Faults(err)[0].Args, []any{"corp.example.com, corp.example.net"})
			}
			spec.Domains = new("CORP.example.net,corp.example.com")
			made := upsert(t, w, spec)
			WantSame(t, made.Domains, []string{"corp.example.net", "corp.example.com"})
			_, err := w.Devices.Update(t.Context(), made.ID, domain.DeviceUpdate{Domains: []string{"corp"}})
			ambiguous.Field = "domains"
			WantFaults(t, err, ambiguous)
			Must(w.DeviceDomains.Update(t.Context(), first.ID, domain.DeviceDomainUpdate{ShortName: new("")}))(t)
			spec.Domains = new("CORP")
			WantSame(t, upsert(t, w, spec).Domains, []string{"corp.example.net"})
		})
	}
}

func TestDeviceDomains(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	_, err := w.DeviceDomains.Create(ctx, domain.DeviceDomain{ShortName: "a,b"})
	WantFaults(
		t, err, NewFault(domain.Required, "name", domain.ReasonRequired),
		NewFault(domain.Invalid, "short_name", domain.ReasonFormat),
	)
	d := newDomain(t, w, "corp.example.com", "CORP")
	w.Clock.Pass(time.Minute)
	before := w.CountEvents(t)
	WantSame(
		t,
		Must(
			w.DeviceDomains.Update(
				ctx, d.ID, domain.DeviceDomainUpdate{Name: new("corp.example.com"), ShortName: new("CORP")},
			),
		)(t), d,
	)
	WantSame(t, w.CountEvents(t), before)
	d.ShortName, d.UpdatedAt = "C2", w.Clock.Now()
	WantSame(t, Must(w.DeviceDomains.Update(ctx, d.ID, domain.DeviceDomainUpdate{ShortName: new("C2")}))(t), d)
	WantSame(t, Must(w.DeviceDomains.Get(ctx, d.ID))(t), d)
	spec := DeviceSpec("in it")
	spec.Domains = new("c2")
	upsert(t, w, spec)
	WantFaults(t, w.DeviceDomains.Delete(ctx, d.ID), NewFault(domain.Rule, "id", domain.ReasonInUse))
	spec.Domains = new("")
	upsert(t, w, spec)
	Check(t, w.DeviceDomains.Delete(ctx, d.ID))
	WantFaults(t, w.DeviceDomains.Delete(ctx, d.ID), NewFault(domain.Missing, "id", domain.ReasonNotFound))
	var actions []domain.Action
	for _, e := range w.Events(t) {
		if e.Resource == domain.ScopeDomains {
			actions = append(actions, e.Action)
		}
	}
	WantSame(t, actions, []domain.Action{domain.ActionCreate, domain.ActionUpdate, domain.ActionDelete})
}
