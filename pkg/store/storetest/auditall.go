package storetest

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testAppendAll checks that many events are on one chain as if they had been appended one by one.
func testAppendAll(t *testing.T, s domain.Store) {
	ctx := t.Context()
	for _, n := range []int{0, 1, 2, 3, 700} {
		events := make([]*domain.Event, n)
		for i := range events {
			event := sampleEvent()
			event.ResourceID, event.Digest = int64(i), [32]byte{byte(i), byte(i >> 8), 7}
			events[i] = &event
		}
		before := must(s.Audit().Ends(ctx))(t)
		check(t, s.Transact(ctx, func(tx domain.Store) error { return tx.Audit().AppendAll(ctx, events) }))
		if n == 0 {
			wantSame(t, must(s.Audit().Ends(ctx))(t), before)
			continue
		}
		chain := events[0].Chain
		at := before[chain]
		stored := must(s.Audit().After(ctx, chain, at.Position, n+1))(t)
		wantSame(t, len(stored), n)
		for i, e := range stored {
			at = events[i].Follow(at)
			wantSame(t, e.Link, at)
			wantSame(t, events[i].Link, at)
			want := *events[i]
			want.Digest = [32]byte{}
			wantSame(t, e, want)
		}
		before[chain] = at
		wantSame(t, must(s.Audit().Ends(ctx))(t), before)
		one := sampleEvent()
		check(t, s.Audit().Append(ctx, &one))
	}
}
