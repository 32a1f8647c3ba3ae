package store

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type accessControl struct{ s *Store }

// Advance implements domain.AccessControl. It updates the only row of access_control, which stays
// locked until the transaction ends.
func (r accessControl) Advance(ctx context.Context) error {
	return r.s.write.WithContext(ctx).Exec("UPDATE access_control SET epoch = epoch + 1, mark = ?", rand.Text()).Error
}

// Epoch implements domain.AccessControl.
func (r accessControl) Epoch(ctx context.Context) (int64, error) {
	var epoch int64
	err := scan(ctx, r.s.read, []any{&epoch}, "SELECT epoch FROM access_control")
	return epoch, err
}

// Point implements domain.AccessControl.
func (r accessControl) Point(ctx context.Context) (p domain.AccessPoint, err error) {
	err = scan(ctx, r.s.read, []any{&p.Epoch, &p.Mark}, "SELECT epoch, mark FROM access_control")
	return p, err
}

// Superusers implements domain.AccessControl.
func (r accessControl) Superusers(ctx context.Context, now time.Time) (int, error) {
	var n int
	err := scan(ctx, r.s.read, []any{&n}, `SELECT (SELECT count(*) FROM users WHERE superuser AND enabled) +
		(SELECT count(*) FROM apikeys WHERE superuser AND enabled AND (expires_at IS NULL OR expires_at > ?))`, micro(now))
	return n, err
}

// LastingSuperusers implements domain.AccessControl. The two networks in the query are those that
// domain.Everywhere accepts.
func (r accessControl) LastingSuperusers(ctx context.Context) (int, error) {
	var n int
	err := scan(ctx, r.s.read, []any{&n}, `SELECT (SELECT count(*) FROM users WHERE superuser AND enabled) +
		(SELECT count(*) FROM apikeys WHERE superuser AND enabled AND expires_at IS NULL AND (allowed_ips = '' OR
			' ' || allowed_ips || ' ' LIKE '% 0.0.0.0/0 %' AND ' ' || allowed_ips || ' ' LIKE '% ::/0 %'))`)
	return n, err
}
