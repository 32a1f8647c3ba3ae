package store

import (
	"context"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type censuses struct{ s *Store }

// counted selects by the columns of certificates_ca_id alone: the rows have the certificates and
// keys in them.
const counted = `SELECT ca_id, count(*), count(revoked_at), count(CASE WHEN revoked_at IS NOT NULL AND reason = 6 THEN 1 END),
	count(CASE WHEN revoked_at IS NULL AND not_after <= ? THEN 1 END),
	count(CASE WHEN revoked_at IS NULL AND not_after > ? AND superseded_at IS NOT NULL THEN 1 END),
	count(CASE WHEN revoked_at IS NULL AND not_after > ? AND superseded_at IS NULL AND not_after <= ? THEN 1 END),
	min(CASE WHEN revoked_at IS NULL AND not_after > ? AND superseded_at IS NULL THEN not_after END)
	FROM certificates WHERE kind <> 'ocsp' GROUP BY ca_id ORDER BY ca_id`

// Certificates implements domain.Censuses.
func (r censuses) Certificates(ctx context.Context, at, soon time.Time) (all []domain.CertificateCount, err error) {
	at, soon = micro(at), micro(soon)
	args := []any{at, at, at, soon, at}
	err = returned(ctx, r.s.read, counted, args, func(scan func(...any) error) error {
		var c domain.CertificateCount
		var total, revoked int64
		var next any
		err := scan(&c.CAID, &total, &revoked, &c.Suspended, &c.Expired, &c.Superseded, &c.Expiring, &next)
		if err == nil {
			c.NextExpiry, err = computedTime(next)
		}
		c.Revoked = revoked - c.Suspended
		c.Active = total - revoked - c.Expired - c.Superseded
		all = append(all, c)
		return err
	})
	return all, err
}

// APIKeyEnd implements domain.Censuses.
func (r censuses) APIKeyEnd(ctx context.Context, after time.Time) (time.Time, error) {
	var next any
	err := scan(
		ctx, r.s.read, []any{&next}, "SELECT min(expires_at) FROM apikeys WHERE enabled AND expires_at > ?", micro(after),
	)
	if err != nil {
		return time.Time{}, err
	}
	return computedTime(next)
}

const countedAgents = `SELECT count(*), count(CASE WHEN due_at < ? THEN 1 END), (SELECT count(*) FROM tunnel_sessions AS t
	JOIN agents AS a ON a.instance_id = t.instance_id WHERE t.open AND a.seen_until >= ?) FROM agents`

// Agents implements domain.Censuses.
func (r censuses) Agents(ctx context.Context, at time.Time) (c domain.AgentCount, err error) {
	err = scan(ctx, r.s.read, []any{&c.Reported, &c.Silent, &c.Sessions}, countedAgents, micro(at), micro(at))
	return c, err
}

// computedTime reads a time that a statement computes. SQLite stores times as texts, and its driver
// reads only those of a column as times.
func computedTime(value any) (time.Time, error) {
	switch v := value.(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		return v.UTC(), nil
	case string:
		at, err := time.Parse("2006-01-02 15:04:05.999999999-07:00", v)
		return at.UTC(), err
	}
	return time.Time{}, fmt.Errorf("store: a time is %T", value)
}
