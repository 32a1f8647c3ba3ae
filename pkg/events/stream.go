package events

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Stream publishes events, and hands them to those who follow. One goroutine a process, Keep, asks
// the database what is new, for all readers together.
type Stream struct {
	Store     domain.Store
	Scans     *turns.Turns
	Retention time.Duration // how long events are kept; 0: DefaultRetention
	Now       func() time.Time
	Log       *slog.Logger

	turn chan struct{} // is full while this process publishes
	bell chan struct{} // has something when Keep need not wait
	done chan struct{} // is closed by Drain
	once sync.Once

	readers  atomic.Int64 // how many there are, for Ring
	inside   atomic.Int64 // how many follow in this process, as the deliveries of webhooks do
	caughtUp atomic.Int64 // when nothing waited last, in microseconds since 1970; 0: never yet
	failing  atomic.Bool  // the last round has failed

	published tally

	mu     sync.Mutex // guards what follows, for a few instructions at a time
	recent []domain.StreamEvent
	from   int64         // recent has all events after this id
	newest int64         // and up to this one; both are 0 before the first round
	moved  chan struct{} // is closed when there is more, and replaced
	age    int           // how often the history of the database has changed
	each   map[string]int
}

// DefaultRetention is how long events are kept.
const DefaultRetention = 90 * 24 * time.Hour

// The pace of Keep. It publishes at most once in a pause, so that many changes one after the other
// are published together; without readers it waits for poll. Changes of other replicas are noticed
// by poll.
const (
	pause        = 20 * time.Millisecond
	poll         = 500 * time.Millisecond
	roundTimeout = 10 * time.Second
)

// maxRecent is how many events are kept in memory for readers; one who is further behind reads the
// database.
const maxRecent = 4096

// NewStream returns a stream that nobody follows yet.
func NewStream(
	store domain.Store, scans *turns.Turns, retention time.Duration, now func() time.Time, log *slog.Logger,
) *Stream {
	return &Stream{
		Store: store, Scans: scans, Retention: retention, Now: now, Log: log,
		turn: make(chan struct{}, 1), bell: make(chan struct{}, 1), done: make(chan struct{}),
		moved: make(chan struct{}), each: map[string]int{},
	}
}

// Ring says that something was committed, so that readers get it at once.
func (s *Stream) Ring() {
	if s.followed() {
		s.ring()
	}
}

// followed reports whether anybody follows.
func (s *Stream) followed() bool { return s.readers.Load()+s.inside.Load() > 0 }

func (s *Stream) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// Drain ends all readers, and lets no more begin.
func (s *Stream) Drain() { s.once.Do(func() { close(s.done) }) }

// Forget drops what was read, because the database has another history now. Readers who have seen
// events that are lost are told.
func (s *Stream) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age++
	s.recent, s.from, s.newest = nil, 0, 0
	s.broadcast()
}

// broadcast wakes all readers. The caller holds mu.
func (s *Stream) broadcast() {
	close(s.moved)
	s.moved = make(chan struct{})
}

// Keep publishes and hands on, until ctx ends.
func (s *Stream) Keep(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.round(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != s.failing.Swap(failed) && failed {
			s.Log.ErrorContext(ctx, "events could not be published", "error", err)
		}
		s.rest(ctx)
	}
}

func (s *Stream) rest(ctx context.Context) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	timer.Reset(poll)
	select {
	case <-ctx.Done():
	case <-s.bell:
	case <-timer.C:
	}
}

// round publishes what waits, and reads what is new in the stream.
func (s *Stream) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	now := s.Now()
	newest, err := s.publishInTurn(ctx)
	if err != nil {
		return err
	}
	s.caughtUp.Store(now.UnixMicro())
	return s.follow(ctx, newest)
}

// publishInTurn is publish by one goroutine of the process at a time.
func (s *Stream) publishInTurn(ctx context.Context) (int64, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return s.publish(ctx)
}

// follow reads the events up to the newest, if there is a reader.
func (s *Stream) follow(ctx context.Context, newest int64) error {
	s.mu.Lock()
	last, age := s.newest, s.age
	if last == 0 || !s.followed() || newest < last {
		s.recent, s.from, s.newest = nil, newest, newest
		s.broadcast()
		last = newest
	}
	s.mu.Unlock()
	for last < newest {
		list, err := s.Store.Events().After(ctx, last, publishBatch)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			last = newest // there is a gap before the next event
		} else {
			last = list[len(list)-1].ID
		}
		s.extend(list, last, age)
	}
	return nil
}

// extend adds events that were read to the recent ones. Readers may hold parts of the list, so
// nothing in it is overwritten.
func (s *Stream) extend(list []domain.StreamEvent, last int64, age int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.age != age {
		return
	}
	s.recent, s.newest = append(s.recent, list...), last
	if n := len(s.recent) - maxRecent; n >= maxRecent {
		s.from = s.recent[n-1].ID
		s.recent = append([]domain.StreamEvent(nil), s.recent[n:]...)
	}
	s.broadcast()
}

// Health is what this process knows about the stream.
type Health struct {
	Readers int64
	Newest  int64         // the id of the newest event
	Lag     time.Duration // for how long what has happened may not be in the stream
}

// Health returns it from memory.
func (s *Stream) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := Health{Readers: s.readers.Load(), Newest: s.newest}
	if at := s.caughtUp.Load(); s.failing.Load() && at != 0 {
		h.Lag = s.Now().Sub(time.UnixMicro(at))
	}
	return h
}

// pruneBatch is how many events are removed in one transaction, and pruneRounds bounds how many
// times that is done at once.
const (
	pruneBatch  = 1000
	pruneRounds = 50
)

// Prune removes events that are older than Retention.
func (s *Stream) Prune(ctx context.Context) error {
	keep := s.Retention
	if keep == 0 {
		keep = DefaultRetention
	}
	before := s.Now().Add(-keep)
	for range pruneRounds {
		n, err := s.Store.Events().Prune(ctx, before, pruneBatch)
		if err != nil || n < pruneBatch {
			return err
		}
	}
	return nil
}
