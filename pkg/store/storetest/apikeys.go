package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testAPIKeys(t *testing.T, s domain.Store) {
	ctx := t.Context()
	sample := func() domain.APIKey {
		return domain.APIKey{Name: fresh("Integração"), Superuser: true, Generation: 7, CreatedAt: noon, UpdatedAt: noon.Add(time.Second)}
	}
	t.Run("a created apikey is read back whole", func(t *testing.T) {
		want := sample()
		check(t, s.APIKeys().Create(ctx, &want))
		wantSame(t, must(s.APIKeys().Get(ctx, want.ID))(t), want)
		plain := sample()
		plain.Superuser = false
		check(t, s.APIKeys().Create(ctx, &plain))
		wantSame(t, must(s.APIKeys().Get(ctx, plain.ID))(t), plain)
	})
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.APIKeys().Get(ctx, id)
			wantMissing(t, err)
		}
	})
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken := sample()
		check(t, s.APIKeys().Create(ctx, &taken))
		again := sample()
		again.Name = strings.ToUpper(taken.Name)
		wantFault(t, s.APIKeys().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
	})
}
