package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type throttles struct{ s *Store }

// takeOnce uses a bucket once. It is one statement, so that of many concurrent calls no more than
// the size get through. empty_at moves by one interval, from where it is, or from now if that is
// later, unless that would overfill the bucket. An empty_at beyond what a full bucket can have was
// set by a clock that was ahead: the bucket counts as empty.
const takeOnce = `INSERT INTO throttles (bucket, empty_at) VALUES (?, ?)
	ON CONFLICT (bucket) DO UPDATE SET empty_at = CASE WHEN throttles.empty_at > ? AND throttles.empty_at <= ? THEN throttles.empty_at ELSE ? END + ?
	WHERE throttles.empty_at <= ? OR throttles.empty_at > ? RETURNING empty_at`

// replicasApart is how far the clock of another replica may be ahead. A stored time that is further
// ahead than that is taken for wrong.
const replicasApart = time.Minute

// Take implements domain.Throttles.
func (r throttles) Take(
	ctx context.Context, key string, now time.Time, interval time.Duration, size int,
) (time.Duration, error) {
	at, step := now.UnixMicro(), interval.Microseconds()
	full := at + step*int64(size-1) // a bucket that empties later than this is full
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
