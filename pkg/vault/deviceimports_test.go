package vault_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestDevices_Import_Concurrency: imports of the same devices in different orders, with the same
// new names, run beside upserts of these devices. There is no deadlock, and every change is counted
// and recorded once.
func TestDevices_Import_Concurrency(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	const devices, imports, upserters, upserts = 1100, 6, 3, 40 // an import has two batches
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ctx := t.Context()
			begun := w.CountEvents(t)
			replicas := make([]*World, imports+upserters)
			for i := range replicas {
				replicas[i] = w.Replica(t)
			}
			var created atomic.Int64
			Check(t, Together(len(replicas), func(i int) error {
				if i < imports {
					result, err := replicas[i].Devices.Import(ctx, strings.NewReader(shuffled(devices, i)), i%3 != 2)
					created.Add(int64(result.Created))
					if result.Created+result.Updated != devices {
						err = errors.Join(err, fmt.Errorf("import %d: %+v", i, result))
					}
					return err
				}
				for n := range upserts {
					spec := namedDevice((n*37+i)%devices, i*upserts+n)
					_, made, err := upserted(replicas[i].Devices.Upsert(ctx, spec, nil))
					if err != nil {
						return errors.Join(fmt.Errorf("upsert %d of %d", n, i), err)
					}
					if made {
						created.Add(1)
					}
				}
				return nil
			}))
			WantSame(t, created.Load(), devices)
			report := Must(w.Audit.Verify(ctx))(t)
			WantSame(
				t, report, audit.Report{
					Events: int64(begun + imports*devices + upserters*upserts), Checkpoints: report.Checkpoints,
				},
			)
		})
	}
}

// TestDevices_Import_Names: an import makes its new names before its transaction begins; otherwise
// other transactions that need one would wait until it ends. A file that is refused makes no names.
func TestDevices_Import_Names(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	labels := func() (list []string) {
		rows := Must(Must(w.Store.SQL())(t).QueryContext(t.Context(), "SELECT label FROM device_names ORDER BY label"))(t)
		defer rows.Close()
		for rows.Next() {
			list = append(list, "")
			Check(t, rows.Scan(&list[len(list)-1]))
		}
		return list
	}
	for _, atomic := range []bool{true, false} {
		mark := fmt.Sprint(atomic)
		want := append(labels(), "model "+mark, "site "+mark, "type "+mark, "vendor "+mark)
		slices.Sort(want)
		row := strings.ReplaceAll("host,ip,model X,type X,vendor X,site X", "X", mark)
		hooks := &Hooked{Store: w.Store, BeforeTransact: func() { WantSame(t, labels(), want) }}
		mine := w.With(t, func(s *service.Settings) { s.Store = hooks })
		importDevices(t, mine, deviceHeader+"\n"+row+"\n"+strings.Replace(row, "host", "other", 1), atomic)
		_, err := mine.Devices.Import(
			t.Context(), strings.NewReader(deviceHeader+",device_domain\na,b,new,new,new,new,nobody\n"), true,
		)
		WantFaults(t, err, NewFault(domain.NotFound, "rows[1].device_domain", domain.ReasonNotFound))
		WantSame(t, labels(), want)
	}
}

// namedDevice returns a device that differs from all its other versions and shares some names with
// other devices.
func namedDevice(device, version int) domain.DeviceSpec {
	name := func(kind string, n, of int) string { return fmt.Sprintf("%s %d", kind, n%of) }
	return domain.DeviceSpec{
		Hostname: fmt.Sprint("host ", device), IP: fmt.Sprint("10.0.0.", version),
		Model: name("model", device+version, 400), Type: name("type", device*version, 100),
		Vendor: name("vendor", device+7*version, 50), Site: name("site", 11*device+version, 400),
	}
}

// shuffled returns a file of the devices in random order.
func shuffled(devices, version int) string {
	lines := []string{deviceHeader}
	for device := range devices {
		d := namedDevice(device, -1-version)
		lines = append(lines, strings.Join([]string{d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site}, ","))
	}
	rows := lines[1:]
	rand.Shuffle(devices, func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return strings.Join(lines, "\n")
}
