package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type censuses struct{ s *Store }

// countedColumns are those of certificates_ca_id that a count needs: the rows have the certificates
// and keys in them.
const countedColumns = "id, kind, not_after, superseded_at, revoked_at, reason"

// countedPart is how many certificates one statement counts: it takes about a second.
const countedPart = 500_000

// counted counts a part, which is a query of countedColumns. Its first columns are how many there
// are and the last id.
const counted = `SELECT count(*), max(id), count(CASE WHEN kind <> 'ocsp' THEN 1 END), count(CASE WHEN kind <> 'ocsp' THEN revoked_at END),
	count(CASE WHEN kind <> 'ocsp' AND revoked_at IS NOT NULL AND reason = 6 THEN 1 END),
	count(CASE WHEN kind <> 'ocsp' AND revoked_at IS NULL AND not_after <= ? THEN 1 END),
	count(CASE WHEN kind <> 'ocsp' AND revoked_at IS NULL AND not_after > ? AND superseded_at IS NOT NULL THEN 1 END),
	count(CASE WHEN kind <> 'ocsp' AND revoked_at IS NULL AND not_after > ? AND superseded_at IS NULL AND not_after <= ? THEN 1 END),
	min(CASE WHEN kind <> 'ocsp' AND revoked_at IS NULL AND not_after > ? AND superseded_at IS NULL THEN not_after END) FROM (%s) AS part`

// Certificates implements domain.Censuses.
func (r censuses) Certificates(ctx context.Context, at, soon time.Time) (all []domain.CertificateCount, err error) {
	for of := int64(0); ; {
		var next *int64
		err := scan(ctx, r.s.read, []any{&next}, "SELECT min(ca_id) FROM certificates WHERE ca_id > ?", of)
		if err != nil || next == nil {
			return all, err
		}
		of = *next
		one := domain.CertificateCount{CAID: of}
		counted := false
		for last, n := int64(0), int64(countedPart); n == countedPart && err == nil; {
			var part domain.CertificateCount
			part, n, last, err = r.part(ctx, of, last, domain.CensusTimes{At: micro(at), Soon: micro(soon)})
			one.Add(part)
			counted = counted || part != domain.CertificateCount{}
		}
		if err != nil {
			return nil, err
		}
		if counted {
			all = append(all, one)
		}
	}
}

// part counts the certificates of a CA after an id.
func (r censuses) part(
	ctx context.Context, caID, after int64, times domain.CensusTimes,
) (c domain.CertificateCount, n, last int64, err error) {
	l := listing{table: "certificates"}
	r.s.restrictOwner(&l, "ca_id", caID)
	part, of := l.after(countedColumns, after, countedPart)
	args := append([]any{times.At, times.At, times.At, times.Soon, times.At}, of...)
	var total, revoked int64
	var end *int64
	var next any
	places := []any{&n, &end, &total, &revoked, &c.Suspended, &c.Expired, &c.Superseded, &c.Expiring, &next}
	if err := scan(ctx, r.s.read, places, fmt.Sprintf(counted, part), args...); err != nil {
		return c, 0, 0, err
	}
	if end != nil {
		last = *end
	}
	c.NextExpiry, err = computedTime(next)
	c.Revoked = revoked - c.Suspended
	c.Active = total - revoked - c.Expired - c.Superseded
	return c, n, last, err
}

// ends counts certificates that are not revoked and end after one time and not after another, and
// those of them that are superseded.
const ends = `SELECT ca_id, count(*), count(superseded_at) FROM certificates
	WHERE not_after > ? AND not_after <= ? AND revoked_at IS NULL AND kind <> 'ocsp' GROUP BY ca_id`

// Passed implements domain.Censuses.
func (r censuses) Passed(ctx context.Context, from, to domain.CensusTimes) ([]domain.CertificateCount, error) {
	found := map[int64]domain.CertificateCount{}
	read := func(after, upTo time.Time, note func(c *domain.CertificateCount, n, superseded int64)) error {
		args := []any{micro(after), micro(upTo)}
		return returned(ctx, r.s.read, ends, args, func(scan func(...any) error) error {
			var id, n, superseded int64
			err := scan(&id, &n, &superseded)
			c := found[id]
			c.CAID = id
			note(&c, n, superseded)
			found[id] = c
			return err
		})
	}
	err := errors.Join(
		read(from.At, to.At, func(c *domain.CertificateCount, n, superseded int64) {
			c.Expired, c.Superseded = n, superseded
		}),
		read(from.Soon, to.Soon, func(c *domain.CertificateCount, n, superseded int64) {
			c.Expiring = n - superseded
		}),
	)
	list := make([]domain.CertificateCount, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[id])
	}
	return list, err
}

// NextExpiry implements domain.Censuses. The sign keeps SQLite from the index of the CA.
func (r censuses) NextExpiry(ctx context.Context, caID int64, after time.Time) (end time.Time, err error) {
	const query = `SELECT not_after FROM certificates WHERE +ca_id = ? AND not_after > ? AND revoked_at IS NULL
		AND superseded_at IS NULL AND kind <> 'ocsp' ORDER BY not_after, id LIMIT 1`
	err = scan(ctx, r.s.read, []any{&end}, query, caID, micro(after))
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return time.Time{}, nil
	}
	return end.UTC(), err
}

// Point implements domain.Censuses.
func (r censuses) Point(ctx context.Context) (point string, err error) {
	const query = `SELECT (SELECT value FROM incarnation) || ' ' ||
		COALESCE((SELECT string_agg(chain || ':' || position, ' ' ORDER BY chain) FROM audit_chains), '')`
	err = scan(ctx, r.s.read, []any{&point}, query)
	return point, err
}

// Last implements domain.Censuses.
func (r censuses) Last(ctx context.Context) (c domain.CensusCount, err error) {
	var counts string
	var took int64
	places := []any{&c.Point, &c.At, &c.Soon, &c.WholeAt, &took, &counts}
	err = scan(ctx, r.s.read, places, "SELECT point, at, soon, whole_at, took, counts FROM census")
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.CensusCount{}, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(counts), &c.Counts)
	}
	c.At, c.Soon, c.WholeAt = c.At.UTC(), c.Soon.UTC(), c.WholeAt.UTC()
	c.Took = time.Duration(took) * time.Microsecond
	return c, err
}

// Keep implements domain.Censuses.
func (r censuses) Keep(ctx context.Context, c domain.CensusCount) error {
	text, err := json.Marshal(c.Counts)
	if err != nil {
		return err
	}
	const query = `INSERT INTO census (id, point, at, soon, whole_at, took, counts) VALUES (1, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET point = excluded.point, at = excluded.at, soon = excluded.soon,
		whole_at = excluded.whole_at, took = excluded.took, counts = excluded.counts`
	return r.s.write.WithContext(ctx).
		Exec(query, c.Point, micro(c.At), micro(c.Soon), micro(c.WholeAt), c.Took.Microseconds(), string(text)).Error
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
