package store

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"
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
	AllowedIPs    string // networks, separated by spaces
	RateLimit     int
	Instances     string // ids, separated by spaces
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
	"instances, last_used_at, last_used_ip, created_at, updated_at"

func (apikeyRow) TableName() string { return "apikeys" }

func (r *apikeyRow) key() *int64 { return &r.ID }

func (r *apikeyRow) fields() []any {
	return []any{
		&r.ID, &r.Name, &r.Description, &r.Superuser, &r.Enabled, &r.ExpiresAt, &r.AllowedIPs, &r.RateLimit,
		&r.Generation, &r.PreviousUntil,
		&r.Binding, &r.BindingBefore, &r.Passing, &r.Instances,
		&r.LastUsedAt, &r.LastUsedIP, &r.CreatedAt, &r.UpdatedAt,
	}
}

func (r *apikeyRow) entity() domain.APIKey {
	return domain.APIKey{
		ID: r.ID, Name: r.Name, Description: r.Description, Superuser: r.Superuser, Enabled: r.Enabled,
		ExpiresAt:  orZero(r.ExpiresAt),
		AllowedIPs: splitPrefixes(r.AllowedIPs), RateLimit: r.RateLimit, Generation: r.Generation,
		Instances:     splitIDs(r.Instances),
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
		Generation: k.Generation, Instances: joinIDs(k.Instances),
		Binding: k.Binding.Own, BindingBefore: k.Binding.Before, Passing: k.Binding.Passing,
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

// splitPrefixes parses what joinPrefixes has written. A word that is not a network becomes a prefix
// that contains no address: the credential then works from nowhere rather than from everywhere.
func splitPrefixes(text string) []netip.Prefix {
	var list []netip.Prefix
	for field := range strings.FieldsSeq(text) {
		prefix, _ := netip.ParsePrefix(field)
		list = append(list, prefix)
	}
	return list
}

func joinIDs(list []int64) string {
	return strings.Join(each(list, func(id int64) string { return strconv.FormatInt(id, 10) }), " ")
}

// splitIDs parses what joinIDs has written. A word that is no id becomes one that no row has.
func splitIDs(text string) []int64 {
	var list []int64
	for field := range strings.FieldsSeq(text) {
		id, _ := strconv.ParseInt(field, 10, 64)
		list = append(list, id)
	}
	return list
}

type apikeys struct {
	holders[apikeyRow, domain.APIKey, *apikeyRow]
}

var apikeyTable = table[apikeyRow, domain.APIKey]{
	list: listing{table: "apikeys", columns: apikeyColumns}, row: toAPIKeyRow,
	id: func(k *domain.APIKey) *int64 { return &k.ID },
	updated: []string{
		"name", "name_key", "description", "superuser", "enabled", "expires_at", "allowed_ips", "rate_limit",
		"generation", "previous_until", "binding", "binding_before", "passing", "instances", "updated_at",
	},
	stored: duplicated("name_key", "name"),
}

var apikeyRoles = assignments[domain.APIKey]{
	table: "apikey_roles", holder: "apikey_id", roles: func(k *domain.APIKey) *[]domain.Role { return &k.Roles },
}

// Used implements domain.APIKeys. It updates the rows by ascending id, so that two replicas can't
// deadlock. A stored time that is later than the use by more than replicasApart was set by a clock
// that was ahead, and is overwritten.
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
