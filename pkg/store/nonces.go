package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type nonces struct{ s *Store }

const spendNonce = "INSERT INTO nonces (public_key, token, at, nonce) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"

// Spend implements domain.Nonces.
func (r nonces) Spend(ctx context.Context, n domain.Nonce) error {
	args := []any{n.Key, n.Token, micro(n.At), n.Value}
	if r.s.engine == SQLite && r.s.inTx {
		done, err := r.s.execDirect(ctx, spendNonce, args...)
		if err != nil {
			return err
		}
		spent, err := done.RowsAffected()
		if err == nil && spent == 0 {
			err = usedNonce()
		}
		return err
	}
	done := r.s.write.WithContext(ctx).Exec(spendNonce, args...)
	if done.Error == nil && done.RowsAffected == 0 {
		return usedNonce()
	}
	return done.Error
}

func usedNonce() error { return domain.Fault(domain.Duplicated, "oauth_nonce", domain.ReasonNonce) }

// Purge implements domain.Nonces.
func (r nonces) Purge(ctx context.Context, before time.Time, keep time.Duration) error {
	var newest []time.Time
	err := returned(ctx, r.s.read, "SELECT at FROM nonces ORDER BY at DESC LIMIT 1", nil,
		func(scan func(...any) error) error {
			var at time.Time
			err := scan(&at)
			newest = append(newest, at)
			return err
		})
	if err != nil || len(newest) == 0 {
		return err
	}
	if kept := newest[0].Add(-keep); kept.Before(before) {
		before = kept
	}
	return r.s.write.WithContext(ctx).Exec("DELETE FROM nonces WHERE at < ?", micro(before)).Error
}
