package store

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type apikeyRow struct {
	ID            int64 `gorm:"primaryKey"`
	Name          string
	NameKey       string
	Description   string
	Superuser     bool
	Enabled       bool
	ExpiresAt     *time.Time
	AllowedIPs    string // separated by spaces
	RateLimit     int
	Generation    int64
	PreviousUntil *time.Time
	Binding       string
	BindingBefore string
	Passing       string
	LastUsedAt    *time.Time
	LastUsedIP    string
	CreatedAt     time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`
}

const apikeyColumns = "id, name, description, superuser, enabled, expires_at, allowed_ips, rate_limit, generation, previous_until, binding, binding_before, passing, " +
	"last_used_at, last_used_ip, created_at, updated_at"

func (apikeyRow) TableName() string { return "apikeys" }

func (r *apikeyRow) key() *int64 { return &r.ID }

func (r *apikeyRow) fields() []any {
	return []any{
		&r.ID, &r.Name, &r.Description, &r.Superuser, &r.Enabled, &r.ExpiresAt, &r.AllowedIPs, &r.RateLimit,
		&r.Generation, &r.PreviousUntil,
		&r.Binding, &r.BindingBefore, &r.Passing,
		&r.LastUsedAt, &r.LastUsedIP, &r.CreatedAt, &r.UpdatedAt,
	}
}

func (r *apikeyRow) entity() domain.APIKey {
	return domain.APIKey{
		ID: r.ID, Name: r.Name, Description: r.Description, Superuser: r.Superuser, Enabled: r.Enabled,
		ExpiresAt:  orZero(r.ExpiresAt),
		AllowedIPs: splitPrefixes(r.AllowedIPs), RateLimit: r.RateLimit, Generation: r.Generation,
		PreviousUntil: orZero(r.PreviousUntil),
		Binding:       domain.Binding{Own: r.Binding, Before: r.BindingBefore, Passing: r.Passing},
		LastUsedAt:    orZero(r.LastUsedAt), LastUsedIP: r.LastUsedIP, CreatedAt: r.CreatedAt.UTC(),
		UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func toAPIKeyRow(k domain.APIKey) apikeyRow {
	return apikeyRow{
		ID: k.ID, Name: k.Name, NameKey: domain.NameKey(k.Name), Description: k.Description, Superuser: k.Superuser,
		Enabled:   k.Enabled,
		ExpiresAt: optional(k.ExpiresAt), AllowedIPs: joinPrefixes(k.AllowedIPs), RateLimit: k.RateLimit,
		Generation: k.Generation,
		Binding:    k.Binding.Own, BindingBefore: k.Binding.Before, Passing: k.Binding.Passing,
		PreviousUntil: optional(k.PreviousUntil), LastUsedAt: optional(k.LastUsedAt), LastUsedIP: k.LastUsedIP,
		CreatedAt: micro(k.CreatedAt), UpdatedAt: micro(k.UpdatedAt),
	}
}

func joinPrefixes(list []netip.Prefix) string {
	texts := make([]string, len(list))
	for i, prefix := range list {
		texts[i] = prefix.String()
	}
	return strings.Join(texts, " ")
}

// splitPrefixes reads what joinPrefixes wrote. A text that somebody else put there is a prefix that
// contains nothing: the key works from nowhere rather than from everywhere.
func splitPrefixes(text string) []netip.Prefix {
	var list []netip.Prefix
	for field := range strings.FieldsSeq(text) {
		prefix, _ := netip.ParsePrefix(field)
		list = append(list, prefix)
	}
	return list
}

type apikeys struct{ s *Store }

var apikeyTable = listing{table: "apikeys", columns: apikeyColumns}

// Page implements domain.APIKeys.
func (r apikeys) Page(ctx context.Context, req domain.PageRequest) (domain.Page[domain.APIKey], error) {
	found, err := page[apikeyRow, domain.APIKey](ctx, r.s.read, apikeyTable, req)
	if err != nil {
		return found, err
	}
	ids := make([]int64, len(found.Items))
	for i, key := range found.Items {
		ids[i] = key.ID
	}
	roles, err := apikeyRoles.of(ctx, r.s.read, ids)
	for i := range found.Items {
		found.Items[i].Roles = roles[found.Items[i].ID]
	}
	return found, err
}

// Get implements domain.APIKeys.
func (r apikeys) Get(ctx context.Context, id int64) (domain.APIKey, error) {
	key, err := take[apikeyRow, domain.APIKey](ctx, r.s.read, apikeyTable, id)
	if err != nil {
		return key, err
	}
	roles, err := apikeyRoles.of(ctx, r.s.read, []int64{id})
	key.Roles = roles[id]
	return key, err
}

// Create implements domain.APIKeys.
func (r apikeys) Create(ctx context.Context, k *domain.APIKey) error {
	record := toAPIKeyRow(*k)
	err := r.s.atomic(ctx, func(tx *Store) error {
		record.ID = 0 // the database gives it, also when this is tried again
		if err := tx.write.WithContext(ctx).Create(&record).Error; err != nil {
			return translate(err, duplicated("name_key", "name"))
		}
		return apikeyRoles.add(ctx, tx.write, record.ID, k.Roles)
	})
	if err == nil {
		k.ID = record.ID
	}
	return err
}

// Update implements domain.APIKeys.
func (r apikeys) Update(ctx context.Context, k domain.APIKey) error {
	record := toAPIKeyRow(k)
	return r.s.atomic(ctx, func(tx *Store) error {
		done := tx.write.WithContext(ctx).Model(&record).Select("*").
			Omit("id", "last_used_at", "last_used_ip", "created_at").Updates(&record)
		if err := changedOne(done, duplicated("name_key", "name")); err != nil {
			return err
		}
		return apikeyRoles.replace(ctx, tx.write, k.ID, k.Roles)
	})
}

// Delete implements domain.APIKeys.
func (r apikeys) Delete(ctx context.Context, id int64) error {
	return changedOne(r.s.write.WithContext(ctx).Delete(&apikeyRow{}, id), faults{})
}

// Used implements domain.APIKeys. The order of the ids keeps two replicas from waiting for each
// other's rows.
func (r apikeys) Used(ctx context.Context, uses []domain.APIKeyUse) error {
	uses = slices.SortedFunc(slices.Values(uses), func(a, b domain.APIKeyUse) int { return cmp.Compare(a.ID, b.ID) })
	return r.s.atomic(ctx, func(tx *Store) error {
		for _, use := range uses {
			err := tx.write.WithContext(ctx).
				Exec("UPDATE apikeys SET last_used_at = ?, last_used_ip = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ? OR last_used_at > ?)",
					micro(use.At), use.Address, use.ID, micro(use.At), micro(use.At.Add(replicasApart))).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}
