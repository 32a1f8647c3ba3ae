package vault_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// TestDevices_Update: each change leaves one event, an update without a change leaves none, and
// what another caller has changed meanwhile stays.
func TestDevices_Update(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ctx := t.Context()
			corp := newDomain(t, w, "corp.example.com", "CORP").ID
			want := upsert(t, w, DeviceSpec("Win 1"))
			w.Clock.Pass(time.Minute)
			before := w.CountEvents(t)
			for _, update := range []domain.DeviceUpdate{
				{}, {Enabled: new(true)}, {IP: new(" 10.0.0.1 ")}, {Tags: []string{}, Domains: []string{}},
			} {
				WantSame(t, Must(w.Devices.Update(ctx, want.ID, update))(t).Revision, want.Revision)
			}
			WantSame(t, w.CountEvents(t), before)
			want.Domains, want.Enabled, want.Revision, want.UpdatedAt = []string{"corp.example.com"}, false, 2,
				w.Clock.Now()
			changed := Must(
				w.Devices.Update(ctx, want.ID, domain.DeviceUpdate{Domains: []string{"corp"}, Enabled: new(false)}),
			)(t)
			WantSame(t, changed, Must(w.Devices.ByID(ctx, want.ID))(t))
			WantSame(
				t, []any{changed.Domains[0], changed.Enabled, changed.Revision},
				[]any{"corp.example.com", false, int64(2)},
			)
			events := w.Events(t)
			WantSame(t, len(events), before+1)
			WantSame(t, events[before].After, `{"device_domain":"corp.example.com","enabled":false}`)
			WantFaults(t, w.DeviceDomains.Delete(ctx, corp), NewFault(domain.Rule, "id", domain.ReasonInUse))
			_, err := w.Devices.Update(ctx, want.ID, domain.DeviceUpdate{Domains: []string{"nobody"}})
			WantFaults(t, err, NewFault(domain.NotFound, "domains", domain.ReasonNotFound))
			_, err = w.Devices.Update(ctx, 999, domain.DeviceUpdate{})
			WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
			Check(t, Together(2, func(i int) error {
				update := domain.DeviceUpdate{Tags: []string{"a"}}
				if i == 1 {
					update = domain.DeviceUpdate{IP: new("10.0.0.9")}
				}
				_, err := w.Devices.Update(ctx, want.ID, update)
				return err
			}))
			last := Must(w.Devices.ByID(ctx, want.ID))(t)
			WantSame(t, []string{last.IP, last.Tags[0]}, []string{"10.0.0.9", "a"})
		})
	}
}

// TestDevices_Upsert_Enables: an upsert enables the device if the server is configured to, and
// returns what it was before.
func TestDevices_Upsert_Enables(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	made := upsert(t, w, DeviceSpec("Win 1"))
	Check(t, w.Devices.Disable(ctx, vault.Ref{Path: "win 1"}, nil))
	WantSame(t, upsert(t, w, DeviceSpec("win 1")).Enabled, false)
	w.Devices.PAMPresentEnables = true
	WantSame(t, upsert(t, w, DeviceSpec("win 1")).Enabled, true)
	WantSame(t, Must(w.Devices.ByID(ctx, made.ID))(t).Enabled, true)
	events := w.Events(t)
	WantSame(t, events[len(events)-1].After, `{"enabled":true}`)
	before := w.CountEvents(t)
	upsert(t, w, DeviceSpec("win 1"))
	WantSame(t, w.CountEvents(t), before)
}
