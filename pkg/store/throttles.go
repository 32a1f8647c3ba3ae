package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type throttles struct{ s *Store }

// takeOnce uses a bucket by one statement, so that of many at once no more than its size get
// through: empty_at moves by one interval from where it is, or from now when that is later, unless
// that would overfill the bucket. One that empties later than a full one can was filled by a clock
// that was ahead, and counts as empty.
const takeOnce = `INSERT INTO throttles (bucket, empty_at) VALUES (?, ?)
	ON CONFLICT (bucket) DO UPDATE SET empty_at = CASE WHEN throttles.empty_at > ? AND throttles.empty_at <= ? THEN throttles.empty_at ELSE ? END + ?
	WHERE throttles.empty_at <= ? OR throttles.empty_at > ? RETURNING empty_at`

// replicasApart is how much later a bucket may empty than a full one can, because the clock of
// another replica is ahead.
const replicasApart = time.Minute

// Take implements domain.Throttles.
func (r throttles) Take(
	ctx context.Context, key string, now time.Time, interval time.Duration, size int,
) (time.Duration, error) {
	at, step := now.UnixMicro(), interval.Microseconds()
	full := at + step*int64(size-1) // a bucket that empties later than this has no room for one more
	impossible := full + step + replicasApart.Microseconds()
	var taken []int64
	err := r.s.write.WithContext(ctx).Raw(takeOnce, key, at+step, at, impossible, at, step, full, impossible).
		Scan(&taken).Error
	if err != nil || len(taken) > 0 {
		return 0, err
	}
	var emptyAt int64
	err = scan(ctx, r.s.read, []any{&emptyAt}, "SELECT empty_at FROM throttles WHERE bucket = ?", key)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return interval, nil
	}
	return max(time.Duration(emptyAt-full)*time.Microsecond, time.Microsecond), err
}

// Empty implements domain.Throttles.
func (r throttles) Empty(ctx context.Context, key string) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM throttles WHERE bucket = ?", key).Error
}

// Purge implements domain.Throttles.
func (r throttles) Purge(ctx context.Context, now time.Time) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM throttles WHERE empty_at <= ? OR empty_at > ?",
		now.UnixMicro(), now.Add(domain.MaxThrottle+replicasApart).UnixMicro()).Error
}
