package store

import (
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// MendEnds implements domain.Audit. A statement that changes no row has found another end than was
// says.
func (r audit) MendEnds(ctx context.Context, was, ends []domain.Link) (bool, error) {
	var mended bool
	err := r.s.atomic(ctx, func(tx *Store) error {
		mended = true
		for _, statement := range mendings(was, ends) {
			done := tx.write.WithContext(ctx).Exec(statement.query, statement.args...)
			if done.Error != nil {
				return done.Error
			}
			mended = mended && done.RowsAffected == 1
		}
		return tx.write.WithContext(ctx).Exec(followMended).Error
	})
	return mended, err
}

// followMended takes back up to where the stream of events has the chains that end earlier now.
const followMended = `UPDATE event_chains SET position =
	(SELECT position FROM audit_chains WHERE audit_chains.chain = event_chains.chain)
	WHERE position > (SELECT position FROM audit_chains WHERE audit_chains.chain = event_chains.chain)`

type mending struct {
	query string
	args  []any
}

// mendings are the statements that move chains from their ends in was to those in ends.
func mendings(was, ends []domain.Link) []mending {
	var list []mending
	for _, end := range ends {
		at := slices.IndexFunc(was, func(l domain.Link) bool { return l.Chain == end.Chain })
		switch {
		case at < 0:
			const query = "INSERT INTO audit_chains (chain, position, hash, behind) VALUES (?, ?, ?, ?) ON CONFLICT (chain) DO NOTHING"
			list = append(list, mending{query, []any{end.Chain, end.Position, end.Hash[:], anyDisorder}})
		case was[at] != end:
			const query = "UPDATE audit_chains SET position = ?, hash = ? WHERE chain = ? AND position = ? AND hash = ?"
			list = append(
				list, mending{query, []any{end.Position, end.Hash[:], end.Chain, was[at].Position, was[at].Hash[:]}},
			)
		}
	}
	for _, one := range was {
		if !slices.ContainsFunc(ends, func(l domain.Link) bool { return l.Chain == one.Chain }) {
			list = append(list, mending{"DELETE FROM audit_chains WHERE chain = ?", []any{one.Chain}})
		}
	}
	return list
}
