package census

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// wholeInterval is how long a count is continued by the passing of time alone.
const wholeInterval = 24 * time.Hour

// certificates counts them as of now, as cheaply as what is known allows: a count of any server is
// continued while the audit is where it was, and is good enough while its server rests.
func (c *Counter) certificates(ctx context.Context, now time.Time) (domain.CensusCount, error) {
	all := c.Store.Censuses()
	point, err := all.Point(ctx) // before all else: what changes meanwhile is counted next time
	if err != nil {
		return domain.CensusCount{}, err
	}
	last, err := all.Last(ctx)
	if err != nil {
		return domain.CensusCount{}, err
	}
	age := now.Sub(last.WholeAt)
	switch {
	case last.WholeAt.IsZero() || age < 0 || age >= wholeInterval || now.Before(last.At):
	case last.Point == point:
		return c.passed(ctx, last, now)
	case age < rest(last.Took):
		return last, nil
	}
	began := time.Now()
	next := domain.CensusCount{CensusTimes: at(now), Point: point, WholeAt: now}
	if next.Counts, err = all.Certificates(ctx, next.At, next.Soon); err != nil {
		return next, err
	}
	next.Took = time.Since(began)
	return next, all.Keep(ctx, next)
}

func at(now time.Time) domain.CensusTimes { return domain.CensusTimes{At: now, Soon: now.Add(Soon)} }

// passed is a count after a time in which no certificate was changed.
func (c *Counter) passed(ctx context.Context, count domain.CensusCount, now time.Time) (domain.CensusCount, error) {
	all := c.Store.Censuses()
	times := at(now)
	changes, err := all.Passed(ctx, count.CensusTimes, times)
	if err != nil {
		return count, err
	}
	moved := map[int64]domain.CertificateCount{}
	for _, one := range changes {
		moved[one.CAID] = one
	}
	for i := range count.Counts {
		one := &count.Counts[i]
		one.Pass(moved[one.CAID])
		if one.NextExpiry.IsZero() || one.NextExpiry.After(now) {
			continue
		}
		one.NextExpiry = time.Time{}
		if one.Active > 0 {
			if one.NextExpiry, err = all.NextExpiry(ctx, one.CAID, now); err != nil {
				return count, err
			}
		}
	}
	count.CensusTimes = times
	if len(changes) == 0 {
		return count, nil
	}
	return count, all.Keep(ctx, count)
}
