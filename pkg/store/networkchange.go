package store

import (
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// networkFaults are the violations of rows of the plan. On PostgreSQL the index of the gateway ends
// with the name of its column, on SQLite all columns of an index are named.
var networkFaults = faults{duplicated: map[string]string{"first": "prefix", "address": "prefix"}}.
	orForeign(domain.NotFound, "instance_id", domain.ReasonNotFound)

var networkInsertion = insertion{
	table: "networks", columns: "gateway_key, instance_id, client_id, kind, family, first, last, prefix, inside",
	suffix: " RETURNING id, kind, prefix",
}

// Add implements domain.Networks.
func (r networks) Add(ctx context.Context, list []domain.Network) error {
	if len(list) == 0 {
		return nil
	}
	ids, rows := map[[2]string]int64{}, make([][]any, len(list))
	for i, n := range list {
		rows[i] = toNetworkRow(n)
	}
	err := r.s.atomic(ctx, func(tx *Store) error {
		return tx.insertRows(ctx, networkInsertion, rows, func(scan func(...any) error) error {
			var id int64
			var kind, prefix string
			err := scan(&id, &kind, &prefix)
			ids[[2]string{kind, prefix}] = id
			return err
		})
	})
	if err != nil {
		return translate(err, networkFaults)
	}
	for i, n := range list {
		list[i].ID = ids[[2]string{string(n.Kind), n.Prefix.String()}]
	}
	return nil
}

// toNetworkRow returns the values of networkInsertion.
func toNetworkRow(n domain.Network) []any {
	client, inside := (*int64)(nil), (*string)(nil)
	if n.ClientID != 0 {
		client = &n.ClientID
	}
	if n.Inside.IsValid() {
		text := n.Inside.String()
		inside = &text
	}
	return []any{
		n.Gateway, n.InstanceID, client, string(n.Kind), int64(family(n.Prefix.Addr())),
		n.Prefix.Masked().Addr().AsSlice(), domain.LastAddress(n.Prefix).AsSlice(), n.Prefix.String(), inside,
	}
}

// Remove implements domain.Networks.
func (r networks) Remove(ctx context.Context, ids []int64) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		for batch := range slices.Chunk(ids, insertBatch) {
			if err := tx.write.WithContext(ctx).Exec("DELETE FROM networks WHERE id IN ?", batch).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// Move implements domain.Networks.
func (r networks) Move(ctx context.Context, instanceID int64, gateway string) error {
	done := r.s.write.WithContext(ctx).
		Exec("UPDATE networks SET gateway_key = ? WHERE instance_id = ?", gateway, instanceID)
	return translate(done.Error, networkFaults)
}
