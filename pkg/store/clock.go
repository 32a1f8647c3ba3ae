package store

import (
	"context"
	"time"
)

// Clock returns the time of the database, in UTC. It is not known on SQLite, whose clock is that of
// this process.
func (s *Store) Clock(ctx context.Context) (now time.Time, known bool, err error) {
	if s.engine == SQLite {
		return now, false, nil
	}
	err = scan(ctx, s.read, []any{&now}, "SELECT clock_timestamp()")
	return now.UTC(), err == nil, err
}

// ShareClock stores by how much the clock of a process is ahead of the database's, under the name
// of the process. It returns the values of all other processes that have stored theirs within the
// duration of memory. Values of more than an hour ago are removed. It needs PostgreSQL.
func (s *Store) ShareClock(ctx context.Context, name string, ahead, memory time.Duration) ([]time.Duration, error) {
	err := s.write.WithContext(ctx).Exec(`INSERT INTO replica_clocks (id, ahead, seen_at) VALUES (?, ?, now())
		ON CONFLICT (id) DO UPDATE SET ahead = excluded.ahead, seen_at = excluded.seen_at`, name, ahead.Microseconds()).Error
	if err != nil {
		return nil, err
	}
	var others []time.Duration
	const query = "SELECT ahead FROM replica_clocks WHERE id <> ? AND seen_at > now() - ?::bigint * interval '1 microsecond'"
	err = returned(ctx, s.read, query, []any{name, memory.Microseconds()}, func(scan func(...any) error) error {
		var micros int64
		err := scan(&micros)
		others = append(others, time.Duration(micros)*time.Microsecond)
		return err
	})
	if err != nil {
		return nil, err
	}
	return others,
		s.write.WithContext(ctx).Exec("DELETE FROM replica_clocks WHERE seen_at < now() - interval '1 hour'").Error
}
