package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// rightsHold is the condition on which an event is stored, together with the change that it
// describes: the access point is that of the event, if it has one. It is part of a statement that
// is needed anyway, so it costs no round trip.
const rightsHold = "?::text IN ('', (SELECT epoch || ' ' || mark FROM access_control))"

// rightsHoldLite is rightsHold for SQLite. There it stays true until the commit, because there is
// one writer.
const rightsHoldLite = "? IN ('', (SELECT epoch || ' ' || mark FROM access_control))"

func (s *Store) rightsHold() string {
	if s.engine == Postgres {
		return rightsHold
	}
	return rightsHoldLite
}

// hold evaluates rightsHold in a query of its own.
func (s *Store) hold(ctx context.Context, e *domain.Event) (hold bool, err error) {
	err = scan(ctx, s.write, []any{&hold}, "SELECT "+s.rightsHold(), e.Point.String())
	return hold, err
}

// unlessMoved says why a statement with rightsHold has done nothing: ErrRightsMoved if the access
// point has moved, and otherwise other.
func (s *Store) unlessMoved(ctx context.Context, e *domain.Event, other error) error {
	hold, err := s.hold(ctx, e)
	if err == nil && !hold {
		return domain.ErrRightsMoved
	}
	if err == nil {
		return other
	}
	return err
}

// ifMoved translates the error of a statement without any other condition: if it has done nothing,
// that is ErrRightsMoved.
func ifMoved(err error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.ErrRightsMoved
	}
	return err
}

// holdsStill evaluates rightsHold again after a statement with it that began at begin, if that has
// taken maxAge or longer. The statement may have waited for a lock, and has compared the access
// point as it was when it began. Errors: ErrRightsMoved.
func (s *Store) holdsStill(ctx context.Context, e *domain.Event, begin time.Time) error {
	if s.engine == Postgres && time.Since(begin) >= maxAge {
		return s.unlessMoved(ctx, e, nil)
	}
	return nil
}
