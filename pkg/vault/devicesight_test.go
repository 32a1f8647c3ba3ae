package vault_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// TestDevices_Sight: an authorization with a list sees the devices of the list and those it has
// created. It can't tell any other device from one that does not exist.
func TestDevices_Sight(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			var listed []int64
			for _, hostname := range []string{"listed 1", "hidden", "listed 2", "listed 3"} {
				if d := upsert(t, w, DeviceSpec(hostname)); hostname != "hidden" {
					listed = append(listed, d.ID)
				}
			}
			a := w.NewAuthorization(t, domain.AuthOAuth1, func(a *domain.PAMAuthorization) { a.Devices = listed })
			other := w.NewAuthorization(t, domain.AuthOAuth1)
			as := func(a domain.PAMAuthorization) context.Context {
				return domain.WithPrincipal(t.Context(), a.Principal())
			}
			for _, made := range []struct {
				ctx      context.Context
				hostname string
			}{
				{as(a.PAMAuthorization), "own 1"}, {as(other.PAMAuthorization), "another's"},
				{as(a.PAMAuthorization), "own 2"},
			} {
				_, err := w.Devices.Upsert(made.ctx, DeviceSpec(made.hostname), nil)
				Check(t, err)
			}
			Check(t, w.Devices.Disable(t.Context(), vault.Ref{Path: "listed 3"}, nil))
			after := upsert(t, w, DeviceSpec("after all"))
			WantSame(
				t, inUse(t, w, as(other.PAMAuthorization)), []string{
					"listed 1", "hidden", "listed 2", "own 1", "another's", "own 2", "after all",
				},
			)
			WantSame(t, inUse(t, w, as(a.PAMAuthorization)), []string{"listed 1", "listed 2", "own 1", "own 2"})
			widened := Must(
				w.Authorizations.Update(
					Operator(t), a.ID, domain.PAMAuthorizationUpdate{Devices: append([]int64{after.ID}, listed...)},
				),
			)(t)
			WantSame(t, inUse(t, w, as(widened)), []string{"listed 1", "listed 2", "own 1", "own 2", "after all"})
			for _, hostname := range []string{"listed 1", "listed 3", "OWN 1"} {
				Must(w.Devices.Get(as(a.PAMAuthorization), hostname))(t)
			}
			changed := DeviceSpec("own 2")
			changed.IP = "changed"
			device, created, err := upserted(w.Devices.Upsert(as(other.PAMAuthorization), changed, nil))
			Check(t, err)
			WantSame(t, []any{created, device.CreatorID}, []any{false, a.ID})
			wantInvisible(t, w, as(a.PAMAuthorization), "hidden")
			wantInvisible(t, w, as(a.PAMAuthorization), "another's")
		})
	}
}

func inUse(t testing.TB, w *World, ctx context.Context) (hostnames []string) {
	t.Helper()
	list := Must(w.Devices.InUse(ctx))(t)
	Check(t, list.Each(ctx, func(some []domain.Device) error {
		for _, d := range some {
			hostnames = append(hostnames, d.Hostname)
		}
		return nil
	}))
	WantSame(t, list.Count(), len(hostnames))
	return hostnames
}

// wantInvisible checks that the caller can do nothing with a device, and that the device is
// unchanged.
func wantInvisible(t testing.TB, w *World, ctx context.Context, hostname string) {
	t.Helper()
	missing := NewFault(domain.Missing, "id", domain.ReasonNotFound)
	before := Must(w.Devices.Get(t.Context(), hostname))(t)
	_, err := w.Devices.Get(ctx, hostname)
	WantFaults(t, err, missing)
	WantFaults(t, w.Devices.Disable(ctx, vault.Ref{Path: hostname}, nil), missing)
	WantFaults(t, w.Devices.Enable(ctx, vault.Ref{Path: hostname}, nil), missing)
	change := DeviceSpec(hostname)
	change.IP = "not to be"
	_, err = w.Devices.Upsert(ctx, change, nil)
	WantFaults(t, err, missing)
	WantSame(t, Must(w.Devices.Get(t.Context(), hostname))(t), before)
}

func lastEvent(t testing.TB, w *World) domain.Event {
	t.Helper()
	events := w.Events(t)
	return events[len(events)-1]
}

func TestAuthorizations_Devices(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	device := upsert(t, w, DeviceSpec("one"))
	a := w.NewAuthorization(t, domain.AuthOAuth2)
	_, err := w.Authorizations.Update(
		Operator(t), a.ID, domain.PAMAuthorizationUpdate{Devices: []int64{device.ID, 999, device.ID}},
	)
	WantFaults(
		t, err, NewFault(domain.NotFound, "devices[1]", domain.ReasonNotFound),
		NewFault(domain.Duplicated, "devices[2]", domain.ReasonTwice),
	)
	WantSame(t, len(Must(w.Authorizations.Get(t.Context(), a.ID))(t).Devices), 0)
	changed := Must(
		w.Authorizations.Update(Operator(t), a.ID, domain.PAMAuthorizationUpdate{Devices: []int64{device.ID}}),
	)(t)
	WantSame(t, changed.Devices, []int64{device.ID})
	WantSame(t, Must(w.Authorizations.Get(t.Context(), a.ID))(t), changed)
	WantSame(t, lastEvent(t, w).After, `{"devices":[1]}`)
}

// TestDevices_Upsert_Guesses: a change that another replica has made to a cached device is neither
// overlooked nor overwritten.
func TestDevices_Upsert_Guesses(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			one := WorldOn(t, open(t), slog.DiscardHandler)
			other := one.Replica(t)
			tagged := DeviceSpec("Win 1")
			tagged.Tags = new("by one")
			upsert(t, one, tagged)
			full := DeviceSpec("win 1")
			full.IP, full.Connectivities = "10.0.0.2", new("SSH:22")
			upsert(t, other, full)

			t.Run("a change keeps the change of the other replica", func(t *testing.T) {
				moved := DeviceSpec("win 1")
				moved.Site = "moved"
				got := upsert(t, one, moved)
				WantSame(
					t, []any{got.Site, got.Connectivities, got.Tags, got.Revision},
					[]any{"moved", []domain.Connectivity{{Type: "SSH", Port: 22}}, []string{"by one"}, int64(3)},
				)
				WantSame(t, Must(one.Devices.ByID(t.Context(), got.ID))(t), got)
				WantSame(t, lastEvent(t, one).Before, `{"ip":"10.0.0.2","site":"Cloud"}`)
			})
			t.Run("an upsert that equals the cached state still undoes the other replica's change", func(t *testing.T) {
				present := Must(one.Devices.Get(t.Context(), "win 1"))(t)
				away := DeviceSpec("win 1")
				away.Site, away.IP = "moved", "10.9.9.9"
				upsert(t, other, away)
				back := DeviceSpec("win 1")
				back.Site = "moved"
				got := upsert(t, one, back)
				WantSame(t, []any{got.IP, got.Revision}, []any{present.IP, present.Revision + 2})
			})
			t.Run("a device that the other replica has made is changed", func(t *testing.T) {
				upsert(t, one, DeviceSpec("new 1")) // so the next hostname is guessed to be new
				upsert(t, other, DeviceSpec("new 2"))
				other.Clock.Pass(time.Minute)
				changed := DeviceSpec("new 2")
				changed.IP = "10.0.0.3"
				got, created, err := upserted(one.Devices.Upsert(t.Context(), changed, nil))
				Check(t, err)
				WantSame(t, []any{created, got.Revision, got.IP}, []any{false, int64(2), "10.0.0.3"})
				upsert(t, one, DeviceSpec("new 3")) // so the next hostname is not guessed to be new
				_, created, err = upserted(one.Devices.Upsert(t.Context(), DeviceSpec("new 4"), nil))
				Check(t, err)
				WantSame(t, created, true)
			})
			WantSame(t, len(Must(one.Audit.Verify(t.Context()))(t).Problems), 0)
		})
	}
}
