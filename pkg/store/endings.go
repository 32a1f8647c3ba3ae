package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

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

// query selects those that end in a span, beyond a record of it, and that no notice is there of.
func (e ending) query(limit int) string {
	return fmt.Sprintf(`SELECT r.id, %[1]s, %[2]s, %[3]s, %[4]s FROM %[5]s AND (%[4]s, r.id) > (?, ?) AND %[4]s <= ?
		AND NOT EXISTS (SELECT 1 FROM expiry_notices AS n WHERE n.resource = ? AND n.resource_id = r.id AND n.days = ? AND n.ends_at = %[4]s)
		ORDER BY %[4]s, r.id LIMIT %[6]d`, e.name, e.ca, e.serial, e.end, e.from, limit)
}

// ofKind is e for clients of one kind alone, which have an index by their end.
func (e ending) ofKind(user string) ending {
	e.from += " AND r.of_user = " + user
	return e
}

// Endings implements domain.Events.
func (r events) Endings(
	ctx context.Context, kind domain.Scope, days int, span domain.EndingSpan, limit int,
) ([]domain.Ending, error) {
	of, ok := endings[kind]
	if !ok {
		return nil, nil
	}
	args := []any{micro(span.After), span.AfterID, micro(span.UpTo), string(kind), days}
	if kind != domain.ScopeClients {
		return r.endings(ctx, kind, of.query(limit), args)
	}
	query := "SELECT * FROM (" + of.ofKind("FALSE").query(limit) + ") AS sites UNION ALL SELECT * FROM (" +
		of.ofKind("TRUE").query(limit) + fmt.Sprintf(") AS users ORDER BY 5, 1 LIMIT %d", limit)
	return r.endings(ctx, kind, query, append(args, args...))
}

func (r events) endings(
	ctx context.Context, kind domain.Scope, query string, args []any,
) (list []domain.Ending, err error) {
	err = returned(ctx, r.s.read, query, args, func(scan func(...any) error) error {
		one := domain.Ending{Resource: kind}
		err := scan(&one.ID, &one.Name, &one.CAID, &one.Serial, &one.EndsAt)
		one.EndsAt = one.EndsAt.UTC()
		list = append(list, one)
		return err
	})
	return list, err
}

// newEndings steps along the certificates, each with its client; the last column is the step.
const newEndings = `SELECT r.id, r.name, r.ca_id, r.serial, r.expires_at, t.id FROM certificates AS t JOIN clients AS r ON r.id = t.client_id
	WHERE t.id > ? AND r.revoked_at IS NULL AND r.expires_at > ? AND r.expires_at <= ?
	AND NOT EXISTS (SELECT 1 FROM expiry_notices AS n WHERE n.resource = ? AND n.resource_id = r.id AND n.days = ? AND n.ends_at = r.expires_at)
	ORDER BY t.id LIMIT ?`

// NewEndings implements domain.Events.
func (r events) NewEndings(
	ctx context.Context, days int, certificate int64, span domain.EndingSpan, limit int,
) (list []domain.Ending, last int64, err error) {
	args := []any{certificate, micro(span.After), micro(span.UpTo), string(domain.ScopeClients), days, limit}
	err = returned(ctx, r.s.read, newEndings, args, func(scan func(...any) error) error {
		one := domain.Ending{Resource: domain.ScopeClients}
		err := scan(&one.ID, &one.Name, &one.CAID, &one.Serial, &one.EndsAt, &last)
		one.EndsAt = one.EndsAt.UTC()
		list = append(list, one)
		return err
	})
	return list, last, err
}

const newestCertificate = "SELECT COALESCE((SELECT max(id) FROM certificates), 0)"

// EndingLook implements domain.Events.
func (r events) EndingLook(ctx context.Context, days int) (look domain.EndingLook, newest int64, err error) {
	if err := scan(ctx, r.s.read, []any{&newest}, newestCertificate); err != nil {
		return look, 0, err
	}
	const query = "SELECT reached, settled, newest, looked_at, whole_at FROM ending_looks WHERE days = ?"
	places := []any{&look.Reached, &look.Settled, &look.Newest, &look.LookedAt, &look.WholeAt}
	err = scan(ctx, r.s.read, places, query, days)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.EndingLook{}, newest, nil
	}
	look.Reached, look.LookedAt, look.WholeAt = look.Reached.UTC(), look.LookedAt.UTC(), look.WholeAt.UTC()
	return look, newest, err
}

// KeepEndingLook implements domain.Events.
func (r events) KeepEndingLook(ctx context.Context, days int, l domain.EndingLook, before time.Time) error {
	const query = `INSERT INTO ending_looks AS l (days, reached, settled, newest, looked_at, whole_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (days) DO UPDATE SET reached = excluded.reached, settled = excluded.settled, newest = excluded.newest,
		looked_at = excluded.looked_at, whole_at = CASE WHEN l.whole_at = ? THEN excluded.whole_at ELSE l.whole_at END`
	return r.s.write.WithContext(ctx).Exec(
		query, days, micro(l.Reached), l.Settled, l.Newest, micro(l.LookedAt), micro(l.WholeAt), micro(before),
	).Error
}

// longAgo is before the last look that anybody may have made.
const longAgo = 100 * 365 * 24 * time.Hour

// LookAnew implements domain.Events. The time differs from call to call, so a look that is under
// way sees that it is not enough.
func (r events) LookAnew(ctx context.Context, now time.Time) error {
	return r.s.write.WithContext(ctx).Exec("UPDATE ending_looks SET whole_at = ?", micro(now.Add(-longAgo))).Error
}

// intoNotices returns the ids of the notices that were not there.
var intoNotices = insertion{
	table: "expiry_notices", columns: "resource, resource_id, days, ends_at",
	suffix: " ON CONFLICT DO NOTHING RETURNING resource_id",
}

// Notice implements domain.Events.
func (r events) Notice(ctx context.Context, list []domain.Ending, days int) (first []domain.Ending, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	rows, stored := make([][]any, len(list)), map[int64]bool{}
	for i, e := range list {
		rows[i] = []any{string(e.Resource), e.ID, int64(days), micro(e.EndsAt)}
	}
	err = r.s.insertRows(ctx, intoNotices, rows, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		stored[id] = true
		return err
	})
	for _, e := range list {
		if stored[e.ID] {
			first = append(first, e)
			delete(stored, e.ID)
		}
	}
	return first, err
}

// ForgetNotices implements domain.Events.
func (r events) ForgetNotices(ctx context.Context, before time.Time) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM expiry_notices WHERE ends_at < ?", micro(before)).Error
}
