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

// TestDevices_Import_InParts: wherever an import of many ends, others have all of it in the end, or nothing; until then no list has a new device, and others
// change the same devices meanwhile.
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
				before := w.listed(t)
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
				}
				w.clock.pass(10 * time.Second)
				check(t, other.Devices.ResumeImports(t.Context()))
				want := before
				if whole || decided {
					want += rows
				}
				wantSame(t, w.listed(t), want)
				wantSame(t, must(w.Devices.Get(t.Context(), "stock"))(t).IP == fmt.Sprint(transactions), whole || decided)
				wantSame(t, len(must(w.store.DeviceImports().Unfinished(t.Context()))(t))+len(must(w.store.DeviceImports().Abandoned(t.Context()))(t)), 0)
			}
			wantSame(t, len(must(w.Audit.Verify(t.Context()))(t).Problems), 0)
		})
	}
}

// listed is how many devices a list has.
func (w *world) listed(t testing.TB) (n int) {
	t.Helper()
	return must(w.Devices.InUse(t.Context()))(t).Count()
}
