package vault_test

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
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// dying is the store of a process that dies: only the first left transactions begin.
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

// DeviceImports makes Abandon fail once the process is dead.
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

// TestDevices_Import_InParts: at whichever transaction a large import dies, in the end other
// replicas have all of it or nothing. Until then no reader sees its changes, and other callers can
// write.
func TestDevices_Import_InParts(t *testing.T) {
	t.Parallel()
	const rows = 1100
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			corp := newDomain(t, w, "corp", "short").ID
			upsert(t, w, DeviceSpec("stock"))
			for transactions, whole := 0, false; !whole; transactions++ {
				before, stocked := listed(t, w), Must(w.Devices.Get(t.Context(), "stock"))(t).IP
				prefix := fmt.Sprintf("at %d", transactions)
				file := stockAndHosts(transactions, prefix, rows)
				steps, other := 0, w.Replica(t)
				mine := w.With(t, func(s *service.Settings) {
					s.Store = &dying{w.Store, transactions, func() {
						steps++
						WantSame(t, listed(t, w), before)
						WantSame(t, Must(w.Devices.Get(t.Context(), "stock"))(t).IP, stocked)
						_, named := w.Devices.Get(t.Context(), prefix+" host 0")
						WantFaults(t, named, NewFault(domain.Missing, "id", domain.ReasonNotFound))
						_, err := other.Devices.Upsert(t.Context(), DeviceSpec("beside"), nil)
						Check(t, err)
						if steps == 1 {
							before = listed(t, w)
						}
					}}
				})
				result, err := mine.Devices.Import(t.Context(), strings.NewReader(file), true)
				if whole = err == nil; whole {
					WantSame(t, result, vault.ImportResult{Created: rows, Updated: 1})
				} else if !errors.Is(err, errDied) {
					t.Fatal(err)
				}
				decided := len(Must(w.Store.DeviceImports().Unfinished(t.Context()))(t)) > 0 &&
					Must(w.Store.DeviceImports().Unfinished(t.Context()))(t)[0].Decided
				if decided {
					WantFaults(
						t, other.DeviceDomains.Delete(t.Context(), corp), NewFault(domain.Rule, "id", domain.ReasonInUse),
					)
				}
				// within importLease other processes take it for alive
				Check(t, other.Devices.ResumeImports(t.Context()))
				if !whole {
					WantSame(t, listed(t, w), before)
					WantSame(t, Must(w.Devices.Get(t.Context(), "stock"))(t).IP, stocked)
				}
				w.Clock.Pass(10 * time.Second)
				Check(t, other.Devices.ResumeImports(t.Context()))
				want := before
				if whole || decided {
					want += rows
				}
				WantSame(t, listed(t, w), want)
				WantSame(
					t, Must(w.Devices.Get(t.Context(), "stock"))(t).IP == fmt.Sprint(transactions), whole || decided,
				)
				WantSame(
					t, len(Must(w.Store.DeviceImports().Unfinished(t.Context()))(t))+
						len(Must(w.Store.DeviceImports().Left(t.Context()))(t)), 0,
				)
			}
			WantSame(t, len(Must(w.Audit.Verify(t.Context()))(t).Problems), 0)
		})
	}
}

// stockAndHosts is a file that gives the device stock an address, and has hosts that are new.
func stockAndHosts(address int, prefix string, hosts int) string {
	var file strings.Builder
	file.WriteString(deviceHeader + ",device_domain\n" + fmt.Sprintf("stock,%d,m,t,v,s,SHORT\n", address))
	for i := range hosts {
		fmt.Fprintf(&file, "%s host %d,1,m,t,v,s,corp\n", prefix, i)
	}
	return file.String()
}

// TestDevices_Import_OtherChanges: a caller that changes a device which an unfinished import has
// stored changes the stored state, and sees it. No change of either is lost.
func TestDevices_Import_OtherChanges(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			upsert(t, w, DeviceSpec("stock"))
			var file strings.Builder
			file.WriteString("hostname,ip,model,type,vendor,site\nstock,imported,m,t,v,s\n")
			for i := range 1500 {
				fmt.Fprintf(&file, "host %d,imported,m,t,v,s\n", i)
			}
			other, touched := w.Replica(t), 0
			mine := w.With(t, func(s *service.Settings) {
				s.Store = &dying{w.Store, 1000, func() {
					for _, name := range []string{"stock", "host 0"} {
						d, err := w.Store.Devices().Stored(t.Context(), name)
						if err != nil || d.IP != "imported" || !d.Enabled {
							continue
						}
						touched++
						if name == "stock" {
							Check(t, other.Devices.Disable(t.Context(), vault.Ref{Path: name}, nil))
						} else {
							tags := "mine"
							spec := DeviceSpec(name)
							spec.IP, spec.Tags = "imported", &tags
							upsert(t, other, spec)
						}
						WantSame(t, Must(other.Devices.Get(t.Context(), name))(t).IP, "imported")
					}
				}}
			})
			Must(mine.Devices.Import(t.Context(), strings.NewReader(file.String()), true))(t)
			if touched == 0 {
				t.Error("the import was stored at once")
			}
			stock, host := Must(w.Devices.Get(t.Context(), "stock"))(t), Must(w.Devices.Get(t.Context(), "host 0"))(t)
			if stock.Enabled || stock.IP != "imported" || len(host.Tags) != 1 || host.IP != "imported" {
				t.Errorf("%+v\n%+v", stock, host)
			}
		})
	}
}

// TestDevices_Import_DomainGone: if a domain is deleted between the check of the file and the
// decision, the import is refused and stores nothing.
func TestDevices_Import_DomainGone(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			corp := newDomain(t, w, "corp", "short")
			var file strings.Builder
			file.WriteString(deviceHeader + ",device_domain\n")
			for i := range 1500 {
				fmt.Fprintf(&file, "host %d,1,m,t,v,s,SHORT\n", i)
			}
			once := true
			mine := w.With(t, func(s *service.Settings) {
				s.Store = &dying{w.Store, 1000, func() {
					if once {
						Check(t, w.DeviceDomains.Delete(t.Context(), corp.ID))
						once = false
					}
				}}
			})
			_, err := mine.Devices.Import(t.Context(), strings.NewReader(file.String()), true)
			WantFaults(t, err, NewFault(domain.NotFound, "device_domain", domain.ReasonNotFound))
			imports := w.Store.DeviceImports()
			WantSame(
				t, listed(t, w)+len(Must(imports.Unfinished(t.Context()))(t))+len(Must(imports.Left(t.Context()))(t)),
				0,
			)
		})
	}
}

// TestDevices_Import_OneAfterTheOther: an import waits for a decided import of another process, and
// finishes it if that process has died.
func TestDevices_Import_OneAfterTheOther(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			const rows = 1100 // two batches
			file := func(ip string) *strings.Reader {
				var file strings.Builder
				file.WriteString("hostname,ip,model,type,vendor,site\n")
				for i := range rows {
					fmt.Fprintf(&file, "host %d,%s,m,t,v,s\n", i, ip)
				}
				return strings.NewReader(file.String())
			}
			dead := w.With(t, func(s *service.Settings) { s.Store = &dying{w.Store, 3, func() {}} })
			if _, err := dead.Devices.Import(t.Context(), file("first"), true); !errors.Is(err, errDied) {
				t.Fatal(err)
			}
			looked := make(chan struct{})
			waiting := w.With(t, func(s *service.Settings) {
				n := 0
				s.Store = &dying{w.Store, 1000, func() {
					if n++; n == 3 { // its file is stored, and the first attempt to decide it has failed
						close(looked)
					}
				}}
			})
			go func() {
				<-looked
				w.Clock.Pass(10 * time.Second)
			}()
			WantSame(
				t, Must(waiting.Devices.Import(t.Context(), file("second"), true))(t),
				vault.ImportResult{Updated: rows},
			)
			WantSame(t, Must(w.Devices.Get(t.Context(), "host 7"))(t).IP, "second")
			WantSame(t, Must(w.Devices.Get(t.Context(), fmt.Sprint("host ", rows-1)))(t).IP, "second")
		})
	}
}

// listed returns the number of devices in a list.
func listed(t testing.TB, w *World) (n int) {
	t.Helper()
	return Must(w.Devices.InUse(t.Context()))(t).Count()
}
