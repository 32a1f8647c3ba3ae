package service_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestDevices_Sight: an authorization with a list sees the devices of the list and its own, and nobody can tell the others from none.
func TestDevices_Sight(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			var listed []int64
			for _, hostname := range []string{"listed 1", "hidden", "listed 2", "listed 3"} {
				if d := w.upsert(t, deviceSpec(hostname)); hostname != "hidden" {
					listed = append(listed, d.ID)
				}
			}
			a := w.newAuthorization(t, domain.AuthOAuth1, func(a *domain.PAMAuthorization) { a.Devices = listed })
			other := w.newAuthorization(t, domain.AuthOAuth1)
			as := func(a domain.PAMAuthorization) context.Context {
				return domain.WithPrincipal(t.Context(), a.Principal())
			}
			for _, made := range []struct {
				ctx      context.Context
				hostname string
			}{{as(a.PAMAuthorization), "own 1"}, {as(other.PAMAuthorization), "another's"}, {as(a.PAMAuthorization), "own 2"}} {
				_, err := w.Devices.Upsert(made.ctx, deviceSpec(made.hostname))
				check(t, err)
			}
			check(t, w.Devices.Disable(t.Context(), "listed 3"))
			after := w.upsert(t, deviceSpec("after all"))
			wantSame(t, w.inUse(t, as(other.PAMAuthorization)), []string{"listed 1", "hidden", "listed 2", "own 1", "another's", "own 2", "after all"})
			wantSame(t, w.inUse(t, as(a.PAMAuthorization)), []string{"listed 1", "listed 2", "own 1", "own 2"})
			widened := must(w.Authorizations.Update(operator(t), a.ID, domain.PAMAuthorizationUpdate{Devices: append([]int64{after.ID}, listed...)}))(t)
			wantSame(t, w.inUse(t, as(widened)), []string{"listed 1", "listed 2", "own 1", "own 2", "after all"})
			for _, hostname := range []string{"listed 1", "listed 3", "OWN 1"} {
				must(w.Devices.Get(as(a.PAMAuthorization), hostname))(t)
			}
			changed := deviceSpec("own 2")
			changed.IP = "changed"
			device, created, err := upserted(w.Devices.Upsert(as(other.PAMAuthorization), changed))
			check(t, err)
			wantSame(t, []any{created, device.CreatorID}, []any{false, a.ID})
			w.wantInvisible(t, as(a.PAMAuthorization), "hidden")
			w.wantInvisible(t, as(a.PAMAuthorization), "another's")
		})
	}
}

func (w *world) inUse(t testing.TB, ctx context.Context) (hostnames []string) {
	t.Helper()
	list := must(w.Devices.InUse(ctx))(t)
	check(t, list.Each(ctx, func(some []domain.Device) error {
		for _, d := range some {
			hostnames = append(hostnames, d.Hostname)
		}
		return nil
	}))
	wantSame(t, list.Count(), len(hostnames))
	return hostnames
}

// wantInvisible checks that nothing can be done with a device, and that nothing was.
func (w *world) wantInvisible(t testing.TB, ctx context.Context, hostname string) {
	t.Helper()
	missing := fault{domain.Missing, "id", domain.ReasonNotFound}
	before := must(w.Devices.Get(t.Context(), hostname))(t)
	_, err := w.Devices.Get(ctx, hostname)
	wantFaults(t, err, missing)
	wantFaults(t, w.Devices.Disable(ctx, hostname), missing)
	wantFaults(t, w.Devices.Enable(ctx, hostname), missing)
	change := deviceSpec(hostname)
	change.IP = "not to be"
	_, err = w.Devices.Upsert(ctx, change)
	wantFaults(t, err, missing)
	wantSame(t, must(w.Devices.Get(t.Context(), hostname))(t), before)
}

func (w *world) lastEvent(t testing.TB) domain.Event {
	t.Helper()
	events := w.events(t)
	return events[len(events)-1]
}

func TestAuthorizations_Devices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	device := w.upsert(t, deviceSpec("one"))
	a := w.newAuthorization(t, domain.AuthOAuth2)
	_, err := w.Authorizations.Update(operator(t), a.ID, domain.PAMAuthorizationUpdate{Devices: []int64{device.ID, 999, device.ID}})
	wantFaults(t, err, fault{domain.NotFound, "devices[1]", domain.ReasonNotFound}, fault{domain.Duplicated, "devices[2]", domain.ReasonTwice})
	wantSame(t, len(must(w.Authorizations.Get(t.Context(), a.ID))(t).Devices), 0)
	changed := must(w.Authorizations.Update(operator(t), a.ID, domain.PAMAuthorizationUpdate{Devices: []int64{device.ID}}))(t)
	wantSame(t, changed.Devices, []int64{device.ID})
	wantSame(t, must(w.Authorizations.Get(t.Context(), a.ID))(t), changed)
	wantSame(t, w.lastEvent(t).After, `{"devices":[1]}`)
}

// TestDevices_Upsert_Guesses: what another replica has done to a device that this one remembers is neither overlooked nor overwritten.
func TestDevices_Upsert_Guesses(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			one := worldOn(t, open(t), slog.DiscardHandler)
			other := one.replica(t)
			tagged := deviceSpec("Win 1")
			tagged.Tags = new("by one")
			one.upsert(t, tagged)
			full := deviceSpec("win 1")
			full.IP, full.Connectivities = "10.0.0.2", new("SSH:22")
			other.upsert(t, full)

			t.Run("a change keeps the other's", func(t *testing.T) {
				moved := deviceSpec("win 1")
				moved.Site = "moved"
				got := one.upsert(t, moved)
				wantSame(t, []any{got.Site, got.Connectivities, got.Tags, got.Revision}, []any{"moved", []domain.Connectivity{{Type: "SSH", Port: 22}}, []string{"by one"}, int64(3)})
				wantSame(t, must(one.Devices.ByID(t.Context(), got.ID))(t), got)
				wantSame(t, one.lastEvent(t).Before, `{"ip":"10.0.0.2","site":"Cloud"}`)
			})
			t.Run("what would change nothing here undoes the other's change", func(t *testing.T) {
				present := must(one.Devices.Get(t.Context(), "win 1"))(t)
				away := deviceSpec("win 1")
				away.Site, away.IP = "moved", "10.9.9.9"
				other.upsert(t, away)
				back := deviceSpec("win 1")
				back.Site = "moved"
				got := one.upsert(t, back)
				wantSame(t, []any{got.IP, got.Revision}, []any{present.IP, present.Revision + 2})
			})
			t.Run("one that the other has made is changed", func(t *testing.T) {
				one.upsert(t, deviceSpec("new 1")) // so the next is thought to be new
				other.upsert(t, deviceSpec("new 2"))
				other.clock.pass(time.Minute)
				changed := deviceSpec("new 2")
				changed.IP = "10.0.0.3"
				got, created, err := upserted(one.Devices.Upsert(t.Context(), changed))
				check(t, err)
				wantSame(t, []any{created, got.Revision, got.IP}, []any{false, int64(2), "10.0.0.3"})
				one.upsert(t, deviceSpec("new 3")) // so the next is thought to be there
				_, created, err = upserted(one.Devices.Upsert(t.Context(), deviceSpec("new 4")))
				check(t, err)
				wantSame(t, created, true)
			})
			wantSame(t, len(must(one.Audit.Verify(t.Context()))(t).Problems), 0)
		})
	}
}
