package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// StandbyHealth is what this process knows of the standby that lists are read from.
type StandbyHealth struct {
	Usable         bool
	Lag            time.Duration // how far it is behind, as far as that is known
	Reads, Changed int64         // lists that were read from it, and those that the primary had to answer instead
}

const (
	standbyPause = time.Second
	// standbyQuery bounds one look at both databases, standbyList one list: after that the primary
	// answers it.
	standbyQuery = 2 * time.Second
	standbyList  = 5 * time.Second
)

// standby is a database that follows the one of the store.
type standby struct {
	store  *Store // reads from the standby, and can't write
	maxLag time.Duration
	log    *slog.Logger
	stop   context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex // guards what follows
	health StandbyHealth
	marks  []walMark // of the primary, the oldest first; for watch alone
}

// walMark is up to where the primary had written its log at a time.
type walMark struct {
	at       time.Time
	position int64
}

// ReadFrom makes Stale read from a standby, as long as that is not further behind than maxLag. It
// asks for nothing now: a standby that is away is used when it comes. It must be called before the
// store is used, and once. Errors: the location is no URL of PostgreSQL, or the store is on SQLite.
func (s *Store) ReadFrom(ctx context.Context, location string, maxLag time.Duration, log *slog.Logger) error {
	if s.engine != Postgres || EngineOf(location) != Postgres {
		return errors.New("a standby can be read from with PostgreSQL only")
	}
	closePool, db, err := postgresPool(ctx, location, &pgClock{}, s.seen, poolKind{reads: true, hasty: true})
	if err != nil {
		return err
	}
	watched, stop := context.WithCancel(context.WithoutCancel(ctx))
	one := &standby{
		store: newStore(Postgres, s.seen, db, db, nil), maxLag: maxLag, log: log, stop: stop,
		ended: make(chan struct{}),
	}
	s.standby = one
	closeAll := s.close
	s.close = func() error {
		one.stop()
		<-one.ended
		return errors.Join(closeAll(), closePool())
	}
	go one.watch(watched, s.read)
	return nil
}

// StandbyHealth tells of the standby, and whether there is one. It asks nobody.
func (s *Store) StandbyHealth() (health StandbyHealth, ok bool) {
	if s.standby == nil {
		return health, false
	}
	s.standby.mu.Lock()
	defer s.standby.mu.Unlock()
	return s.standby.health, true
}

// Stale implements domain.Store.
func (s *Store) Stale(ctx context.Context, fn func(context.Context, domain.Store) error) error {
	if s.inTx || s.standby == nil || !s.standby.usable() {
		return fn(ctx, s)
	}
	bounded, cancel := context.WithTimeout(ctx, standbyList)
	err := fn(bounded, s.standby.store)
	cancel()
	s.standby.count(err == nil)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if len(domain.Faults(err)) == 0 {
		s.standby.set(false, err)
	}
	return fn(ctx, s)
}

func (s *standby) usable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health.Usable
}

func (s *standby) count(read bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if read {
		s.health.Reads++
	} else {
		s.health.Changed++
	}
}

// set keeps whether the standby is used, and logs when that changes.
func (s *standby) set(usable bool, cause error) {
	s.mu.Lock()
	changed := s.health.Usable != usable
	s.health.Usable = usable
	s.mu.Unlock()
	switch {
	case !changed:
	case usable:
		s.log.Info("lists are read from the standby")
	default:
		s.log.Warn("lists are not read from the standby", "error", cause)
	}
}

// watch looks at both databases until ctx ends.
func (s *standby) watch(ctx context.Context, primary *gorm.DB) {
	defer close(s.ended)
	for ctx.Err() == nil {
		lag, err := s.look(ctx, primary)
		if err == nil && lag > s.maxLag {
			err = errLags
		}
		s.mu.Lock()
		s.health.Lag = lag
		s.mu.Unlock()
		if ctx.Err() == nil {
			s.set(err == nil, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(standbyPause):
		}
	}
}

var (
	errLags      = errors.New("the standby is too far behind")
	errNoStandby = errors.New("it is not a standby of this database")
)

// look returns how far the standby is behind. Both name the incarnation of the database: a standby
// of another history is not used.
func (s *standby) look(ctx context.Context, primary *gorm.DB) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, standbyQuery)
	defer cancel()
	var written, replayed int64
	var here, there string
	var follows bool
	asked := time.Now()
	err := scan(ctx, primary, []any{&written, &here},
		"SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint, value FROM incarnation")
	if err != nil {
		return s.lag(asked), err
	}
	s.marks = append(s.marks, walMark{asked, written})
	err = scan(ctx, s.store.read, []any{&follows, &replayed, &there}, `SELECT pg_is_in_recovery(),
		COALESCE(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint, value FROM incarnation`)
	if err == nil && (!follows || here != there) {
		err = errNoStandby
	}
	if err == nil {
		s.reached(replayed)
	}
	return s.lag(asked), err
}

// maxMarks bounds the memory of a standby that is away.
const maxMarks = 3600

// reached forgets the marks that the standby has reached.
func (s *standby) reached(position int64) {
	for len(s.marks) > 0 && s.marks[0].position <= position {
		s.marks = s.marks[1:]
	}
}

// lag is the age of the oldest mark that the standby has not reached.
func (s *standby) lag(now time.Time) time.Duration {
	if len(s.marks) > maxMarks {
		s.marks = append(s.marks[:1:1], s.marks[2:]...)
	}
	if len(s.marks) == 0 {
		return 0
	}
	return now.Sub(s.marks[0].at)
}
