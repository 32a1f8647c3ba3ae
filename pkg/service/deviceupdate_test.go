package service_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestDevices_Update: each change leaves one event, none leaves none, and what another has changed meanwhile stays.
func TestDevices_Update(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			ctx := t.Context()
			w.newDomain(t, "corp.example.com", "CORP")
			want := w.upsert(t, deviceSpec("Win 1"))
			w.clock.pass(time.Minute)
			before := w.countEvents(t)
			for _, update := range []domain.DeviceUpdate{{}, {Enabled: new(true)}, {IP: new(" 10.0.0.1 ")}, {Tags: []string{}, Domains: []string{}}} {
				wantSame(t, must(w.Devices.Update(ctx, want.ID, update))(t).Revision, want.Revision)
			}
			wantSame(t, w.countEvents(t), before)
			want.Domains, want.Enabled, want.Revision, want.UpdatedAt = []string{"corp.example.com"}, false, 2, w.clock.Now()
			changed := must(w.Devices.Update(ctx, want.ID, domain.DeviceUpdate{Domains: []string{"corp"}, Enabled: new(false)}))(t)
			wantSame(t, changed, must(w.Devices.ByID(ctx, want.ID))(t))
			wantSame(t, []any{changed.Domains[0], changed.Enabled, changed.Revision}, []any{"corp.example.com", false, int64(2)})
			events := w.events(t)
			wantSame(t, len(events), before+1)
			wantSame(t, events[before].After, `{"device_domain":"corp.example.com","enabled":false}`)
			wantFaults(t, w.DeviceDomains.Delete(ctx, 1), fault{domain.Rule, "id", domain.ReasonInUse})
			_, err := w.Devices.Update(ctx, want.ID, domain.DeviceUpdate{Domains: []string{"nobody"}})
			wantFaults(t, err, fault{domain.NotFound, "domains", domain.ReasonNotFound})
			_, err = w.Devices.Update(ctx, 999, domain.DeviceUpdate{})
			wantFaults(t, err, fault{domain.Missing, "id", domain.ReasonNotFound})
			check(t, together(2, func(i int) error {
				update := domain.DeviceUpdate{Tags: []string{"a"}}
				if i == 1 {
					update = domain.DeviceUpdate{IP: new("10.0.0.9")}
				}
				_, err := w.Devices.Update(ctx, want.ID, update)
				return err
			}))
			last := must(w.Devices.ByID(ctx, want.ID))(t)
			wantSame(t, []string{last.IP, last.Tags[0]}, []string{"10.0.0.9", "a"})
		})
	}
}

// TestDevices_Upsert_Enables: an upsert enables where the server is set to, and says what it was before.
func TestDevices_Upsert_Enables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	made := w.upsert(t, deviceSpec("Win 1"))
	check(t, w.Devices.Disable(ctx, "win 1"))
	wantSame(t, w.upsert(t, deviceSpec("win 1")).Enabled, false)
	w.Devices.UpsertEnables = true
	wantSame(t, w.upsert(t, deviceSpec("win 1")).Enabled, true)
	wantSame(t, must(w.Devices.ByID(ctx, made.ID))(t).Enabled, true)
	events := w.events(t)
	wantSame(t, events[len(events)-1].After, `{"enabled":true}`)
	before := w.countEvents(t)
	w.upsert(t, deviceSpec("win 1"))
	wantSame(t, w.countEvents(t), before)
}
