package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var masterKeyRules = rules{
	{storedForm, testMasterKeys},
	{locks, testMasterKeyOnce},
	{"Holders", testKeyHolders},
}

func testMasterKeys(t *testing.T, s domain.Store) {
	ctx := t.Context()
	wantSame(t, len(must(s.MasterKeys().All(ctx))(t)), 0)
	one := domain.MasterKey{Version: 1, Fingerprint: "a1", Since: noon, Remaining: -1}
	three := domain.MasterKey{Version: 3, Fingerprint: "c3", Since: noon.Add(time.Hour), Remaining: 7, EndedAt: noon}
	wantSame(t, must(s.MasterKeys().Begin(ctx, one))(t), true)
	wantSame(t, must(s.MasterKeys().Begin(ctx, three))(t), true)
	for _, version := range []uint32{1, 2, 3} { // it only rises
		wantSame(t, must(s.MasterKeys().Begin(ctx, domain.MasterKey{Version: version, Since: noon}))(t), false)
	}
	wantSame(t, must(s.MasterKeys().All(ctx))(t), []domain.MasterKey{one, three})
	check(t, s.MasterKeys().Note(ctx, 3, -1, time.Time{}))
	check(t, s.MasterKeys().Note(ctx, 1, 1<<40, noon))
	check(t, s.MasterKeys().Note(ctx, 2, 5, noon))
	one.Remaining, one.EndedAt, three.Remaining, three.EndedAt = 1<<40, noon, -1, time.Time{}
	wantSame(t, must(s.MasterKeys().All(ctx))(t), []domain.MasterKey{one, three})
}

func testMasterKeyOnce(t *testing.T, s domain.Store) {
	var begun atomic.Int32
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			done, err := s.MasterKeys().Begin(t.Context(), domain.MasterKey{Version: 9, Since: noon})
			check(t, err)
			if done {
				begun.Add(1)
			}
		})
	}
	callers.Wait()
	wantSame(t, begun.Load(), 1)
}

func testKeyHolders(t *testing.T, s domain.Store) {
	ctx, long := t.Context(), noon.Add(-time.Hour)
	hold := func(h domain.KeyHolder) domain.KeyHolder {
		check(t, s.MasterKeys().Hold(ctx, h, long))
		return h
	}
	keys := map[uint32]string{1: "a1", 1<<32 - 1: "ff"}
	b := hold(domain.KeyHolder{ID: "1", Name: "b", Keys: keys, Sealing: 1, SeenAt: noon})
	a := hold(domain.KeyHolder{ID: "2", Name: "a", Keys: map[uint32]string{}, Sealing: 1<<32 - 1, SeenAt: noon})
	hold(domain.KeyHolder{ID: "3", Name: "c", SeenAt: noon.Add(-time.Minute)})
	hold(domain.KeyHolder{ID: "4", Name: "d", SeenAt: long.Add(-time.Second)})
	wantSame(t, must(s.MasterKeys().Holders(ctx, noon))(t), []domain.KeyHolder{a, b})
	a.Sealing, a.SeenAt = 2, noon.Add(time.Second)
	hold(a)
	wantSame(t, must(s.MasterKeys().Holders(ctx, noon))(t), []domain.KeyHolder{a, b})
	check(t, s.MasterKeys().Release(ctx, "1"))
	check(t, s.MasterKeys().Release(ctx, "1"))
	wantSame(t, must(s.MasterKeys().Holders(ctx, noon))(t), []domain.KeyHolder{a})
	wantSame(t, len(must(s.MasterKeys().Holders(ctx, long.Add(-time.Hour)))(t)), 2)
	check(t, s.MasterKeys().ReleaseAll(ctx))
	wantSame(t, len(must(s.MasterKeys().Holders(ctx, long.Add(-time.Hour)))(t)), 0)
}
