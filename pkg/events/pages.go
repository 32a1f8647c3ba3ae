package events

import (
	"context"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// MaxWait bounds how long a page waits for its first event.
const MaxWait = 30 * time.Second

// Listing is a page of the stream. Newest is the id of the newest event before the page was read: a
// caller who has read the last page goes on after it, or after the last event of the page if that
// is higher.
type Listing struct {
	domain.Page[domain.StreamEvent]
	Newest int64
}

// Page lists events. What was committed before the call is in the stream then, unless the database
// can't be written to. With wait it waits so long for an event that the filter selects, if the page
// would be empty. Errors: *domain.Error with Rule on cursor when the stream can't be followed from
// there; those of Open.
func (s *Stream) Page(
	ctx context.Context, filter domain.StreamFilter, req domain.PageRequest, wait time.Duration,
) (Listing, error) {
	found, err := s.page(ctx, filter, req)
	if err != nil || len(found.Items) > 0 || wait <= 0 {
		return found, err
	}
	if err := s.await(ctx, filter, found.Newest, min(wait, MaxWait)); err != nil {
		return found, err
	}
	ctx, cancel := domain.Renewed(ctx, 0)
	defer cancel()
	return s.page(ctx, filter, req)
}

func (s *Stream) page(ctx context.Context, filter domain.StreamFilter, req domain.PageRequest) (Listing, error) {
	s.catchUp(ctx)
	if err := s.checkCursor(ctx, req.Cursor); err != nil {
		return Listing{}, err
	}
	ends, err := s.Store.Events().Ends(ctx)
	if err != nil {
		return Listing{}, err
	}
	found, err := turns.Search(ctx, s.Scans, filter.Wide(), func(
		ctx context.Context,
	) (domain.Page[domain.StreamEvent], error) {
		return s.Store.Events().Page(ctx, filter, req)
	})
	return Listing{Page: found, Newest: ends.Newest}, err
}

// await waits for an event after the cursor that the filter selects, or for the time to pass. The
// turn of the request is given back meanwhile.
func (s *Stream) await(ctx context.Context, filter domain.StreamFilter, cursor int64, wait time.Duration) error {
	r, err := s.Open(ctx, &cursor, filter)
	if err != nil {
		return err
	}
	defer r.Close()
	domain.GiveTurn(ctx)
	waiting, cancel := domain.Renewed(ctx, wait)
	defer cancel()
	bounded, cancelBound := context.WithTimeout(waiting, wait) // without an allowance nothing was renewed
	defer cancelBound()
	if _, err = r.Next(bounded); errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrDraining) {
		return nil
	}
	return err
}

// catchUp publishes what has been committed. Where that is not possible, as in a database that can
// only be read, callers get what there is.
func (s *Stream) catchUp(ctx context.Context) {
	if _, err := s.publishInTurn(ctx); err != nil {
		s.Log.WarnContext(ctx, "events could not be published", "error", err)
	}
}
