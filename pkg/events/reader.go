package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The bounds of readers in this process.
const (
	maxReaders     = 2048
	maxReadersEach = 512 // of one caller
)

// busyWait is after how long a caller with too many readers may try again.
const busyWait = 10 * time.Second

// ErrDraining ends readers because the server stops.
var ErrDraining = errors.New("events: the server stops")

// Reader follows the stream from a cursor on. It is for one goroutine.
type Reader struct {
	stream *Stream
	filter domain.StreamFilter
	cursor int64
	age    int
	who    string
}

// Open begins to follow the stream after an event; with nil after the newest one. The caller closes
// the reader. Errors: *domain.Error with Rule on cursor when the stream can't be followed from
// there, with Forbidden when the caller has too many readers; *domain.Unavailable.
func (s *Stream) Open(ctx context.Context, cursor *int64, filter domain.StreamFilter) (*Reader, error) {
	r := &Reader{stream: s, filter: filter, who: callerOf(ctx)}
	if err := s.enter(r); err != nil {
		return nil, err
	}
	s.ring()
	if err := r.begin(ctx, cursor); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// followInside is a reader for this process itself. The caller counts it in inside, and does not
// close it.
func (s *Stream) followInside(cursor int64, filter domain.StreamFilter) *Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Reader{stream: s, filter: filter, cursor: cursor, age: s.age}
}

func callerOf(ctx context.Context) string {
	p := domain.PrincipalOf(ctx)
	return fmt.Sprintf("%s:%d", p.Kind, p.ID)
}

// enter counts a reader.
func (s *Stream) enter(r *Reader) error {
	select {
	case <-s.done:
		return &domain.Unavailable{Err: ErrDraining}
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.readers.Load() >= maxReaders:
		return &domain.Unavailable{Err: domain.ErrOverloaded}
	case s.each[r.who] >= maxReadersEach:
		return &domain.Error{
			Kind: domain.Forbidden, Field: "authorization", Reason: domain.ReasonLimit,
			Args: []any{int(busyWait / time.Second)}, Wait: busyWait, Err: errors.New("too many readers of events"),
		}
	}
	s.readers.Add(1)
	s.each[r.who]++
	r.age = s.age
	return nil
}

// Close ends the reader.
func (r *Reader) Close() {
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers.Add(-1)
	if s.each[r.who]--; s.each[r.who] == 0 {
		delete(s.each, r.who)
	}
}

// begin finds the place where the reader begins. Without a cursor it is after what has been
// committed by now.
func (r *Reader) begin(ctx context.Context, cursor *int64) error {
	if cursor != nil {
		r.cursor = *cursor
		return r.check(ctx)
	}
	r.stream.catchUp(ctx)
	ends, err := r.stream.Store.Events().Ends(ctx)
	r.cursor = ends.Newest
	return err
}

// check refuses a cursor from which the stream can't be followed without a gap.
func (r *Reader) check(ctx context.Context) error {
	return r.stream.checkCursor(ctx, r.cursor)
}

func (s *Stream) checkCursor(ctx context.Context, cursor int64) error {
	reached, err := s.Store.Events().Reached(ctx, cursor)
	if err == nil && !reached {
		err = domain.Fault(domain.Rule, "cursor", domain.ReasonEventsGone)
	}
	return err
}

// Cursor is the id of the last event that the reader has passed.
func (r *Reader) Cursor() int64 { return r.cursor }

// Next waits for events that the filter selects, and returns them. Errors: that of ctx;
// ErrDraining; *domain.Error with Rule on cursor when events are lost that the reader has seen.
func (r *Reader) Next(ctx context.Context) ([]domain.StreamEvent, error) {
	for {
		list, moved, err := r.read(ctx)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			r.cursor = list[len(list)-1].ID
			if list = r.selected(list); len(list) > 0 {
				return list, nil
			}
			continue
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.stream.done:
			return nil, ErrDraining
		}
	}
}

// read returns what comes next: from memory, or from the database if the reader is behind that.
// moved is closed when there is more.
func (r *Reader) read(ctx context.Context) (list []domain.StreamEvent, moved <-chan struct{}, err error) {
	s := r.stream
	s.mu.Lock()
	recent, from, newest, age, moved := s.recent, s.from, s.newest, s.age, s.moved
	s.mu.Unlock()
	if age != r.age {
		if err := r.check(ctx); err != nil {
			return nil, moved, err
		}
		r.age = age
	}
	switch {
	case newest == 0 || r.cursor >= newest:
		return nil, moved, nil
	case r.cursor >= from:
		first := sort.Search(len(recent), func(i int) bool { return recent[i].ID > r.cursor })
		return recent[first:], moved, nil
	}
	list, err = s.Store.Events().After(ctx, r.cursor, publishBatch)
	if err == nil && len(list) > 0 && list[0].ID != r.cursor+1 {
		err = r.check(ctx) // they were removed meanwhile, unless there is a gap
	}
	return list, moved, err
}

// selected are the events that the filter selects. The list is not the reader's own.
func (r *Reader) selected(list []domain.StreamEvent) []domain.StreamEvent {
	if r.filter.Wide() {
		list = slices.DeleteFunc(slices.Clone(list), func(e domain.StreamEvent) bool { return !r.filter.Selects(e) })
	}
	return list
}
