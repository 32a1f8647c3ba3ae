package store

import (
	"context"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ending says where the records r of a kind are that end.
type ending struct{ from, name, ca, serial, end string }

var endings = map[domain.Scope]ending{
	domain.ScopeClients: {
		"clients AS r WHERE r.revoked_at IS NULL", "r.name", "r.ca_id", "r.serial", "r.expires_at",
	},
	domain.ScopeInstances: {
		"instances AS r JOIN certificates AS c ON c.id = r.certificate_id WHERE c.revoked_at IS NULL", "r.name",
		"c.ca_id", "c.serial", "c.not_after",
	},
	domain.ScopeCAs: {
		"cas AS r WHERE NOT EXISTS (SELECT 1 FROM cas AS s WHERE s.predecessor_id = r.id)", "r.name", "0", "''",
		"r.expires_at",
	},
	domain.ScopeAPIKeys:           {"apikeys AS r WHERE r.enabled", "r.name", "0", "''", "r.expires_at"},
	domain.ResourceAuthorizations: {"pam_authorizations AS r WHERE r.enabled", "r.name", "0", "''", "r.expires_at"},
}

// query selects those that end in a span and that no notice is there of.
func (e ending) query() string {
	return fmt.Sprintf(`SELECT r.id, %[1]s, %[2]s, %[3]s, %[4]s FROM %[5]s AND %[4]s > ? AND %[4]s <= ?
		AND NOT EXISTS (SELECT 1 FROM expiry_notices AS n WHERE n.resource = ? AND n.resource_id = r.id AND n.days = ? AND n.ends_at = %[4]s)
		ORDER BY %[4]s, r.id LIMIT ?`, e.name, e.ca, e.serial, e.end, e.from)
}

// Endings implements domain.Events.
func (r events) Endings(
	ctx context.Context, kind domain.Scope, days int, after, upTo time.Time, limit int,
) (list []domain.Ending, err error) {
	of, ok := endings[kind]
	if !ok {
		return nil, nil
	}
	args := []any{micro(after), micro(upTo), string(kind), days, limit}
	err = returned(ctx, r.s.read, of.query(), args, func(scan func(...any) error) error {
		one := domain.Ending{Resource: kind}
		err := scan(&one.ID, &one.Name, &one.CAID, &one.Serial, &one.EndsAt)
		one.EndsAt = one.EndsAt.UTC()
		list = append(list, one)
		return err
	})
	return list, err
}

// Notice implements domain.Events.
func (r events) Notice(ctx context.Context, e domain.Ending, days int) (bool, error) {
	const into = "INSERT INTO expiry_notices (resource, resource_id, days, ends_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
	done := r.s.write.WithContext(ctx).Exec(into, string(e.Resource), e.ID, days, micro(e.EndsAt))
	return done.RowsAffected == 1, done.Error
}

// ForgetNotices implements domain.Events.
func (r events) ForgetNotices(ctx context.Context, before time.Time) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM expiry_notices WHERE ends_at < ?", micro(before)).Error
}
