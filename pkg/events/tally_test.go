package events_test

import (
	"log/slog"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestStream_Published: each event is counted by the replica that has published it, and by no
// other.
func TestStream_Published(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			one := WorldOn(t, open(t), slog.DiscardHandler)
			two := one.Replica(t)
			role := one.NewRole(t)
			updates(t, one, role.ID, 3)
			told(t, one)
			updates(t, two, role.ID, 2)
			told(t, two)
			told(t, one)
			for w, want := range map[*World]map[domain.EventType]int64{
				one: {domain.EventRoleCreated: 1, domain.EventRoleUpdated: 3}, two: {domain.EventRoleUpdated: 2},
			} {
				for kind, n := range want {
					WantSame(t, w.Stream.Published()[kind], n)
				}
				WantSame(t, len(w.Stream.Published()), len(want))
			}
		})
	}
}
