package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// rightsHold is the condition on which an event is stored, and what it is about with it: that who
// may do what is still at the point of the event, if it has one. It is part of a statement that has
// to be made anyway, so that it costs no journey of its own.
const rightsHold = "?::text IN ('', (SELECT epoch || ' ' || mark FROM access_control))"

// rightsHoldLite is rightsHold for SQLite, where the one who writes is alone.
const rightsHoldLite = "? IN ('', (SELECT epoch || ' ' || mark FROM access_control))"

func (s *Store) rightsHold() string {
	if s.engine == Postgres {
		return rightsHold
	}
	return rightsHoldLite
}

// hold asks for nothing else.
func (s *Store) hold(ctx context.Context, e *domain.Event) (hold bool, err error) {
	err = scan(ctx, s.write, []any{&hold}, "SELECT "+s.rightsHold(), e.Point.String())
	return hold, err
}

// unlessMoved is an error, or ErrRightsMoved if that is why a statement with rightsHold has done
// nothing.
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

// ifMoved says what it means that a statement with no other condition than rightsHold has done
// nothing.
func ifMoved(err error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.ErrRightsMoved
	}
	return err
}

// holdsStill looks again at the rights after a statement with rightsHold that began then, if it has
// waited so long for a lock that they may have gone meanwhile: what it read is from its beginning.
// Errors: ErrRightsMoved.
func (s *Store) holdsStill(ctx context.Context, e *domain.Event, begin time.Time) error {
	if s.engine == Postgres && time.Since(begin) >= maxAge {
		return s.unlessMoved(ctx, e, nil)
	}
	return nil
}
