package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testSigningKeys(t *testing.T, s domain.Store) {
	ctx := t.Context()
	wantSame(t, len(must(s.SigningKeys().List(ctx))(t)), 0)
	var want []domain.SigningKey
	for i, id := range []string{"c", "a", "b", "A"} {
		want = append(
			want, domain.SigningKey{
				ID: id, Sealed: []byte{0, 0xff, byte(i)}, CreatedAt: noon.Add(time.Duration(i) * time.Microsecond),
			},
		)
	}
	for _, i := range []int{2, 0, 3, 1} {
		check(t, s.SigningKeys().Create(ctx, want[i]))
	}
	wantSame(t, must(s.SigningKeys().List(ctx))(t), want)
	if s.SigningKeys().Create(ctx, want[0]) == nil {
		t.Error("an id was given twice")
	}
	for _, ids := range [][]string{nil, {}, {"gone"}} {
		check(t, s.SigningKeys().Delete(ctx, ids))
		wantSame(t, must(s.SigningKeys().List(ctx))(t), want)
	}
	check(t, s.SigningKeys().Delete(ctx, []string{"b", "gone", "c"}))
	wantSame(t, must(s.SigningKeys().List(ctx))(t), []domain.SigningKey{want[1], want[3]})
}
