package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// dying is a store of a process that dies at one of its transactions: none after it begins.
type dying struct {
	domain.Store
	left int
	each func() // before each transaction
}

var errDied = errors.New("died")

func (s *dying) Transact(ctx context.Context, fn func(domain.Store) error) error {
	s.each()
	if s.left--; s.left < 0 {
		return errDied
	}
	return s.Store.Transact(ctx, fn)
}

// DeviceImports lets nobody clean up who is dead.
func (s *dying) DeviceImports() domain.DeviceImports { return dyingImports{s.Store.DeviceImports(), s} }

type dyingImports struct {
	domain.DeviceImports
	s *dying
}

func (i dyingImports) Abandon(ctx context.Context, id int64) (bool, error) {
	if i.s.left < 0 {
		return false, errDied
	}
	return i.DeviceImports.Abandon(ctx, id)
}

// TestDevices_Import_InParts: wherever an import of many ends, others have all of it in the end, or nothing; until then nobody sees what it
// changes, and others write meanwhile.
func TestDevices_Import_InParts(t *testing.T) {
	t.Parallel()
	const rows = 1100
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			w.newDomain(t, "corp", "short")
			w.upsert(t, deviceSpec("stock"))
			for transactions, whole := 0, false; !whole; transactions++ {
				before, stocked := w.listed(t), must(w.Devices.Get(t.Context(), "stock"))(t).IP
				prefix := fmt.Sprintf("at %d", transactions)
				stock := fmt.Sprintf("stock,%d,m,t,v,s,SHORT\n", transactions)
				var file strings.Builder
				file.WriteString(deviceHeader + ",device_domain\n" + stock)
				for i := range rows {
					fmt.Fprintf(&file, "%s host %d,1,m,t,v,s,corp\n", prefix, i)
				}
				steps, other := 0, w.replica(t)
				mine := w.with(t, func(s *service.Settings) {
					s.Store = &dying{w.store, transactions, func() {
						steps++
						wantSame(t, w.listed(t), before)
						wantSame(t, must(w.Devices.Get(t.Context(), "stock"))(t).IP, stocked)
						_, named := w.Devices.Get(t.Context(), prefix+" host 0")
						wantFaults(t, named, fault{domain.Missing, "id", domain.ReasonNotFound})
						_, err := other.Devices.Upsert(t.Context(), deviceSpec("beside"))
						check(t, err)
						if steps == 1 {
							before = w.listed(t)
						}
					}}
				})
				result, err := mine.Devices.Import(t.Context(), strings.NewReader(file.String()), true)
				if whole = err == nil; whole {
					wantSame(t, result, service.ImportResult{Created: rows, Updated: 1})
				} else if !errors.Is(err, errDied) {
					t.Fatal(err)
				}
				decided := len(must(w.store.DeviceImports().Unfinished(t.Context()))(t)) > 0 && must(w.store.DeviceImports().Unfinished(t.Context()))(t)[0].Decided
				if decided {
					wantFaults(t, other.DeviceDomains.Delete(t.Context(), 1), fault{domain.Rule, "id", domain.ReasonInUse})
				}
				check(t, other.Devices.ResumeImports(t.Context())) // nobody can know yet that it is dead
				if !whole {
					wantSame(t, w.listed(t), before)
					wantSame(t, must(w.Devices.Get(t.Context(), "stock"))(t).IP, stocked)
				}
				w.clock.pass(10 * time.Second)
				check(t, other.Devices.ResumeImports(t.Context()))
				want := before
				if whole || decided {
					want += rows
				}
				wantSame(t, w.listed(t), want)
				wantSame(t, must(w.Devices.Get(t.Context(), "stock"))(t).IP == fmt.Sprint(transactions), whole || decided)
				wantSame(t, len(must(w.store.DeviceImports().Unfinished(t.Context()))(t))+len(must(w.store.DeviceImports().Left(t.Context()))(t)), 0)
			}
			wantSame(t, len(must(w.Audit.Verify(t.Context()))(t).Problems), 0)
		})
	}
}

// TestDevices_Import_OtherChanges: who changes a device that an import has stored changes what it has stored, and sees that; nothing of either is lost.
func TestDevices_Import_OtherChanges(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			w.upsert(t, deviceSpec("stock"))
			var file strings.Builder
			file.WriteString("hostname,ip,model,type,vendor,site\nstock,imported,m,t,v,s\n")
			for i := range 1500 {
				fmt.Fprintf(&file, "host %d,imported,m,t,v,s\n", i)
			}
			other, touched := w.replica(t), 0
			mine := w.with(t, func(s *service.Settings) {
				s.Store = &dying{w.store, 1000, func() {
					for _, name := range []string{"stock", "host 0"} {
						d, err := w.store.Devices().Stored(t.Context(), name)
						if err != nil || d.IP != "imported" || !d.Enabled {
							continue
						}
						touched++
						if name == "stock" {
							check(t, other.Devices.Disable(t.Context(), name))
						} else {
							tags := "mine"
							spec := deviceSpec(name)
							spec.IP, spec.Tags = "imported", &tags
							other.upsert(t, spec)
						}
						wantSame(t, must(other.Devices.Get(t.Context(), name))(t).IP, "imported")
					}
				}}
			})
			must(mine.Devices.Import(t.Context(), strings.NewReader(file.String()), true))(t)
			if touched == 0 {
				t.Error("the import was stored at once")
			}
			stock, host := must(w.Devices.Get(t.Context(), "stock"))(t), must(w.Devices.Get(t.Context(), "host 0"))(t)
			if stock.Enabled || stock.IP != "imported" || len(host.Tags) != 1 || host.IP != "imported" {
				t.Errorf("%+v\n%+v", stock, host)
			}
		})
	}
}

// TestDevices_Import_DomainGone: a domain that is deleted between the look at the file and the decision refuses the import, and nothing is stored.
func TestDevices_Import_DomainGone(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			corp := w.newDomain(t, "corp", "short")
			var file strings.Builder
			file.WriteString(deviceHeader + ",device_domain\n")
			for i := range 1500 {
				fmt.Fprintf(&file, "host %d,1,m,t,v,s,SHORT\n", i)
			}
			once := true
			mine := w.with(t, func(s *service.Settings) {
				s.Store = &dying{w.store, 1000, func() {
					if once {
						check(t, w.DeviceDomains.Delete(t.Context(), corp.ID))
						once = false
					}
				}}
			})
			_, err := mine.Devices.Import(t.Context(), strings.NewReader(file.String()), true)
			wantFaults(t, err, fault{domain.NotFound, "device_domain", domain.ReasonNotFound})
			imports := w.store.DeviceImports()
			wantSame(t, w.listed(t)+len(must(imports.Unfinished(t.Context()))(t))+len(must(imports.Left(t.Context()))(t)), 0)
		})
	}
}

// TestDevices_Import_OneAfterTheOther: an import waits for one of another process that is decided, and finishes it when that has died.
func TestDevices_Import_OneAfterTheOther(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			const rows = 1100 // two batches
			file := func(ip string) *strings.Reader {
				var file strings.Builder
				file.WriteString("hostname,ip,model,type,vendor,site\n")
				for i := range rows {
					fmt.Fprintf(&file, "host %d,%s,m,t,v,s\n", i, ip)
				}
				return strings.NewReader(file.String())
			}
			dead := w.with(t, func(s *service.Settings) { s.Store = &dying{w.store, 3, func() {}} })
			if _, err := dead.Devices.Import(t.Context(), file("first"), true); !errors.Is(err, errDied) {
				t.Fatal(err)
			}
			looked := make(chan struct{})
			waiting := w.with(t, func(s *service.Settings) {
				n := 0
				s.Store = &dying{w.store, 1000, func() {
					if n++; n == 3 { // its file is kept, and it was not decided
						close(looked)
					}
				}}
			})
			go func() {
				<-looked
				w.clock.pass(10 * time.Second)
			}()
			wantSame(t, must(waiting.Devices.Import(t.Context(), file("second"), true))(t), service.ImportResult{Updated: rows})
			wantSame(t, must(w.Devices.Get(t.Context(), "host 7"))(t).IP, "second")
			wantSame(t, must(w.Devices.Get(t.Context(), fmt.Sprint("host ", rows-1)))(t).IP, "second")
		})
	}
}

// listed is how many devices a list has.
func (w *world) listed(t testing.TB) (n int) {
	t.Helper()
	return must(w.Devices.InUse(t.Context()))(t).Count()
}
