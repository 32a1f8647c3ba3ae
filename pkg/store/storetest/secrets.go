package storetest

import (
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// secretRules is the contract of domain.Secrets.
var secretRules = rules{
	{storedForm, testSecretForm},
	{locks, testSecretLocks},
}

func testSecretForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	wantSame(t, must(s.Secrets().Any(ctx))(t), false)
	first := []byte("\x00first\xff")
	wantSame(t, must(s.Secrets().GetOrCreate(ctx, "one", first))(t), first)
	wantSame(t, must(s.Secrets().GetOrCreate(ctx, "one", []byte("second")))(t), first)
	wantSame(t, must(s.Secrets().GetOrCreate(ctx, "two", []byte("other")))(t), []byte("other"))
	wantSame(t, must(s.Secrets().Any(ctx))(t), true)
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		wantSame(t, must(tx.Secrets().GetOrCreate(ctx, "one", []byte("third")))(t), first)
		wantSame(t, must(tx.Secrets().GetOrCreate(ctx, "three", []byte("3")))(t), []byte("3"))
		return nil
	}))
	wantSame(t, must(s.Secrets().GetOrCreate(ctx, "three", []byte("4")))(t), []byte("3"))

	wantSame(t, must(s.Secrets().Get(ctx, "one"))(t), first)
	_, err := s.Secrets().Get(ctx, "four")
	wantMissing(t, err)
	wantSame(t, must(s.Secrets().Replace(ctx, "four", first, []byte("4")))(t), false)
	wantSame(t, must(s.Secrets().Replace(ctx, "one", first, []byte("next")))(t), true)
	wantSame(t, must(s.Secrets().Replace(ctx, "one", first, []byte("other")))(t), false)
	wantSame(t, must(s.Secrets().Get(ctx, "one"))(t), []byte("next"))
	wantSame(t, must(s.Secrets().Get(ctx, "two"))(t), []byte("other"))
}

func testSecretLocks(t *testing.T, s domain.Store) {
	t.Run("all who ask for a secret get the same", func(t *testing.T) {
		secrets, faults := domaintest.Together(8, func(i int) (string, error) {
			sealed, err := s.Secrets().GetOrCreate(t.Context(), "contested", []byte{byte(i)})
			return string(sealed), err
		})
		checkAll(t, faults)
		if slices.Sort(secrets); secrets[0] != secrets[7] || len(secrets[0]) != 1 {
			t.Errorf("the secrets are %q", secrets)
		}
	})
}
