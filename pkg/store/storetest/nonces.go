package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func wantSpent(t testing.TB, err error) {
	t.Helper()
	wantFault(t, err, domain.Duplicated, "oauth_nonce", domain.ReasonNonce)
}

func sampleNonce() domain.Nonce {
	return domain.Nonce{Key: "key", Token: "token", Value: "a'é", At: noon.Truncate(time.Second)}
}

// nonceRules is the contract of domain.Nonces.
var nonceRules = rules{
	{"Purge", testNoncePurge}, // begins with an empty table
	{unique, testNonceUnique},
	{atomicity, testNonceAtomic},
	{locks, testNonceLocks},
}

func testNonceUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	n := sampleNonce()
	t.Run("a nonce is spent once, and each part makes another", func(t *testing.T) {
		check(t, s.Nonces().Spend(ctx, n))
		wantSpent(t, s.Nonces().Spend(ctx, n))
		for _, other := range []domain.Nonce{
			{Key: "KEY", Token: n.Token, Value: n.Value, At: n.At},
			{Key: n.Key, Token: "Token", Value: n.Value, At: n.At},
			{Key: n.Key, Token: n.Token, Value: "A'É", At: n.At},
			{Key: n.Key, Token: n.Token, Value: n.Value, At: n.At.Add(time.Second)},
		} {
			check(t, s.Nonces().Spend(ctx, other))
			wantSpent(t, s.Nonces().Spend(ctx, other))
		}
	})
}

func testNonceAtomic(t *testing.T, s domain.Store) {
	ctx := t.Context()
	n := sampleNonce()
	t.Run("a nonce of a transaction that is rolled back is not spent", func(t *testing.T) {
		n, failure := n, errors.New("rolled back")
		n.Value = fresh("nonce")
		err := s.Transact(ctx, func(tx domain.Store) error { return errors.Join(tx.Nonces().Spend(ctx, n), failure) })
		wantSame(t, errors.Is(err, failure), true)
		check(t, s.Transact(ctx, func(tx domain.Store) error { return tx.Nonces().Spend(ctx, n) }))
		check(t, s.Transact(ctx, func(tx domain.Store) error { // does not doom what is around it
			wantSpent(t, tx.Nonces().Spend(ctx, n))
			return nil
		}))
	})
}

func testNoncePurge(t *testing.T, s domain.Store) {
	ctx := t.Context()
	n := sampleNonce()
	check(t, s.Nonces().Purge(ctx, noon, 0))
	t.Run("old ones are forgotten", func(t *testing.T) {
		early, late := n, n
		early.Value, late.Value, early.At = fresh("nonce"), fresh("nonce"), n.At.Add(-time.Second)
		check(t, s.Nonces().Spend(ctx, early))
		check(t, s.Nonces().Spend(ctx, late))
		check(t, s.Nonces().Purge(ctx, n.At.AddDate(1, 0, 0), 2*time.Second)) // by a clock that is ahead
		wantSpent(t, s.Nonces().Spend(ctx, early))
		check(t, s.Nonces().Purge(ctx, n.At, 0))
		wantSpent(t, s.Nonces().Spend(ctx, late))
		check(t, s.Nonces().Spend(ctx, early))
	})
}

func testNonceLocks(t *testing.T, s domain.Store) {
	ctx := t.Context()
	n := sampleNonce()
	t.Run("of many who spend one nonce one does", func(t *testing.T) {
		for _, inTransaction := range []bool{false, true} {
			n := n
			n.Value = fresh("nonce")
			_, faults := domaintest.Together(16, func(int) (struct{}, error) {
				if inTransaction {
					return struct{}{}, s.Transact(ctx, func(tx domain.Store) error { return tx.Nonces().Spend(ctx, n) })
				}
				return struct{}{}, s.Nonces().Spend(ctx, n)
			})
			spent := 0
			for _, err := range faults {
				if err == nil {
					spent++
					continue
				}
				wantSpent(t, err)
			}
			wantSame(t, spent, 1)
		}
	})
}
