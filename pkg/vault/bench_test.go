package vault_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// BenchmarkDevices_Upsert measures upserts of a new device and of an existing one, with and without
// the cache of recent devices.
func BenchmarkDevices_Upsert(b *testing.B) {
	for engine, open := range Engines {
		for _, forgets := range []bool{false, true} {
			for _, changed := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/changed=%t/forgets=%t", engine, changed, forgets), func(b *testing.B) {
					w := WorldOn(b, open(b), slog.DiscardHandler)
					i := 0
					var took []time.Duration
					for b.Loop() {
						i++
						spec := DeviceSpec(fmt.Sprintf("host-%d", i))
						if changed {
							spec = DeviceSpec(fmt.Sprintf("host-%d", i%50))
							spec.IP = fmt.Sprintf("10.0.%d.%d", i/250%250, i%250)
						}
						if forgets {
							w.Devices.Recent.Forget()
						}
						begin := time.Now()
						if _, err := w.Devices.Upsert(b.Context(), spec, nil); err != nil {
							b.Fatal(err)
						}
						took = append(took, time.Since(begin))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)/10].Microseconds()), "p10-µs")
					b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
				})
			}
		}
	}
}
