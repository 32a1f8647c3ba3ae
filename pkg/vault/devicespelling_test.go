package vault_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestDevices_Respell: an upsert that differs only in case corrects the spelling once, with an
// event. The second time it is no change, also on another replica, which has cached the old
// spelling.
func TestDevices_Respell(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			both := []*World{w, w.Replica(t)}
			spec := DeviceSpec("Win 1")
			spec.Tags = new("api,app")
			made := upsert(t, w, spec)
			other := upsert(t, w, DeviceSpec("other"))
			upsert(t, both[1], spec)
			upsert(t, both[1], DeviceSpec("other"))
			for i, step := range []struct {
				field  string
				change func(*domain.DeviceSpec)
				want   string
			}{
				{"hostname", func(s *domain.DeviceSpec) { s.Hostname = "WIN 1" }, "WIN 1"},
				{"model", func(s *domain.DeviceSpec) { s.Model = "rhel" }, "rhel"},
				{"type", func(s *domain.DeviceSpec) { s.Type = "SERVER" }, "SERVER"},
				{"vendor", func(s *domain.DeviceSpec) { s.Vendor = "RED HAT" }, "RED HAT"},
				{"site", func(s *domain.DeviceSpec) { s.Site = "cLOUD" }, "cLOUD"},
				{"device_tags", func(s *domain.DeviceSpec) { s.Tags = new("APP,api") }, "APP, api"},
			} {
				w.Clock.Pass(time.Minute)
				step.change(&spec)
				before := w.CountEvents(t)
				here, there := both[i%2], both[(i+1)%2]
				done := Must(here.Devices.Upsert(t.Context(), spec, nil))(t)
				WantSame(t, []bool{done.Created(), done.Changed()}, []bool{false, true})
				WantSame(t, fmt.Sprint(Must(there.Devices.ByID(t.Context(), made.ID))(t)), fmt.Sprint(done.After))
				events := w.Events(t)
				WantSame(t, len(events), before+1)
				WantSame(t, events[before].After, fmt.Sprintf(`{"%s":"%s"}`, step.field, step.want))
				for _, again := range []*World{there, here, there} {
					WantSame(t, Must(again.Devices.Upsert(t.Context(), spec, nil))(t).Changed(), false)
				}
				WantSame(t, w.CountEvents(t), before+1)
			}
			// All devices share the names, and the replicas have cached the other device with the
			// old spelling.
			got := Must(w.Devices.ByID(t.Context(), other.ID))(t)
			WantSame(
				t, []string{got.Model, got.Type, got.Vendor, got.Site}, []string{"rhel", "SERVER", "RED HAT", "cLOUD"},
			)
			spec.Hostname, spec.Tags = "other", nil
			before := w.CountEvents(t)
			for _, again := range both {
				WantSame(t, Must(again.Devices.Upsert(t.Context(), spec, nil))(t).Changed(), false)
			}
			WantSame(t, w.CountEvents(t), before)
		})
	}
}

// TestDevices_Respell_Created: a new device respells the names for all devices, and the same upsert
// again is no change.
func TestDevices_Respell_Created(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			there := w.Replica(t)
			first := upsert(t, w, DeviceSpec("first"))
			upsert(t, there, DeviceSpec("second"))
			for i, vendor := range []string{"RED HAT", "Red Hat", "red hat", "Red Hat"} {
				spec := DeviceSpec(fmt.Sprint("new ", i))
				spec.Vendor = vendor
				here := []*World{w, there}[i%2]
				WantSame(t, upsert(t, here, spec).Vendor, vendor)
				WantSame(t, Must(there.Devices.ByID(t.Context(), first.ID))(t).Vendor, vendor)
				WantSame(t, Must(w.Devices.Upsert(t.Context(), spec, nil))(t).Changed(), false)
			}
			page := Must(
				w.Devices.Page(t.Context(), domain.DeviceFilter{Vendor: "RED hat"}, domain.PageRequest{Size: 100}),
			)(t)
			WantSame(t, len(page.Items), 6)
		})
	}
}

// TestDevices_Respell_Import: the first row that spells a name in another way corrects it for all
// devices, and a file that mixes spellings is no change the second time.
func TestDevices_Respell_Import(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			for _, rows := range []int{20, 1500} { // in one transaction, and in parts
				file := func(vendors ...string) string {
					var text strings.Builder
					text.WriteString("hostname,ip,model,type,vendor,site\n")
					for i := range rows {
						fmt.Fprintf(
							&text, "host %d-%d,10.0.0.1,RHEL,Server,%s,Cloud\n", rows, i, vendors[i%len(vendors)],
						)
					}
					return text.String()
				}
				put := func(text string) []int {
					result := Must(w.Devices.Import(Operator(t), strings.NewReader(text), true))(t)
					return []int{result.Created, result.Updated, result.Unchanged}
				}
				WantSame(t, put(file("Red Hat")), []int{rows, 0, 0})
				before := w.CountEvents(t)
				WantSame(t, put(file("RED HAT")), []int{0, 1, rows - 1})
				WantSame(t, put(file("RED HAT")), []int{0, 0, rows})
				WantSame(t, put(file("Red Hat", "RED HAT", "red hat")), []int{0, 1, rows - 1})
				WantSame(t, put(file("Red Hat", "RED HAT", "red hat")), []int{0, 0, rows})
				WantSame(t, w.CountEvents(t), before+2)
			}
			WantSame(t, Must(w.Devices.Get(t.Context(), "host 20-3"))(t).Vendor, "Red Hat")
			WantSame(t, len(Must(w.Audit.Verify(t.Context()))(t).Problems), 0)
		})
	}
}

// TestDevices_Respell_Concurrency: concurrent upserts and imports that spell the same names in
// different ways wait for one another and do not fail.
func TestDevices_Respell_Concurrency(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			both := []*World{w, w.Replica(t)}
			Check(t, Together(8, func(i int) error {
				for round := range 5 {
					spell := func(n int, text string) string {
						if (i+round+n)%2 == 0 {
							return strings.ToUpper(text)
						}
						return text
					}
					names := []string{spell(0, "model"), spell(i, "type"), spell(i/2, "vendor"), spell(i/3, "site")}
					spec := domain.DeviceSpec{
						Hostname: fmt.Sprint("host ", round), IP: "10.0.0.1", Model: names[0], Type: names[1],
						Vendor: names[2], Site: names[3],
					}
					var err error
					if i%4 == 3 {
						_, err = both[i%2].Devices.Import(Operator(t),
							strings.NewReader("hostname,ip,model,type,vendor,site\n"+
								"host 0,10.0.0.1,"+strings.Join(names, ",")+"\nhost 9,10.0.0.1,"+
								strings.Join(names, ",")+"\n"), true)
					} else {
						_, err = both[i%2].Devices.Upsert(t.Context(), spec, nil)
					}
					if err != nil {
						return fmt.Errorf("worker %d: %w", i, err)
					}
				}
				return nil
			}))
			WantSame(t, len(Must(w.Audit.Verify(t.Context()))(t).Problems), 0)
		})
	}
}
