package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/db"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// need is which schema a program must know at least to work on what a migration leaves.
type need struct{ version, oldest int64 }

// declareNeeds stores what the missing migrations need, before they are applied: a program that is
// older than the schema finds it in any moment.
func (s *Store) declareNeeds(ctx context.Context) (needs []need, err error) {
	list, err := s.MigrateStatus(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if m.Applied || m.Version <= db.Baseline {
			continue
		}
		text, err := fs.ReadFile(s.schemas(), "migrations/"+string(s.engine)+"/"+m.Name)
		if err != nil {
			return nil, err
		}
		one := need{m.Version, db.Oldest(text)}
		const query = `INSERT INTO schema_needs (version, oldest) VALUES (?, ?)
			ON CONFLICT (version) DO UPDATE SET oldest = excluded.oldest`
		if err := s.write.WithContext(ctx).Exec(query, one.version, one.oldest).Error; err != nil {
			return nil, err
		}
		needs = append(needs, one)
	}
	return needs, nil
}

// readNeeds returns which schema a program must know at least for migrations that it does not know.
// Where nothing says so for one of them, no other program can know.
func (s *Store) readNeeds(ctx context.Context, unknown []int64) (oldest int64, err error) {
	said := map[int64]int64{}
	err = returned(ctx, s.read, "SELECT version, oldest FROM schema_needs", nil, func(scan func(...any) error) error {
		var one need
		err := scan(&one.version, &one.oldest)
		said[one.version] = one.oldest
		return err
	})
	if err != nil && !isNoTable(err) {
		return 0, err
	}
	for _, version := range unknown {
		needed, known := said[version]
		if !known {
			needed = version
		}
		oldest = max(oldest, needed)
	}
	return oldest, nil
}

// ErrOlderServers says that servers run that can't live with a migration.
var ErrOlderServers = errors.New("servers of an earlier version run, which can't work on the new schema: stop them first")

// beatPatience is longer than the time between two beats of a server.
const beatPatience = 7 * time.Second

// refuseOlderServers fails when a server lives that knows less than a migration needs. Whether it
// lives is seen by its beat. On an SQLite file no other server runs.
func (s *Store) refuseOlderServers(ctx context.Context, needs []need) error {
	oldest := int64(0)
	for _, one := range needs {
		oldest = max(oldest, one.oldest)
	}
	before, err := s.olderServers(ctx, oldest)
	if err != nil || len(before) == 0 || s.engine == SQLite {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(beatPatience):
	}
	after, err := s.olderServers(ctx, oldest)
	var alive []string
	for _, one := range after {
		i := slices.IndexFunc(before, func(b domain.Replica) bool { return b.ID == one.ID })
		if i < 0 || before[i].Beat != one.Beat {
			alive = append(alive, fmt.Sprintf("%s of schema %d", one.Version, one.Schema))
		}
	}
	if len(alive) > 0 {
		err = fmt.Errorf("%w: %s; schema %d is needed", ErrOlderServers, strings.Join(alive, ", "), oldest)
	}
	return err
}

func (s *Store) olderServers(ctx context.Context, oldest int64) (older []domain.Replica, err error) {
	all, err := s.Leases().Replicas(ctx)
	for _, one := range all {
		if one.Schema < oldest {
			older = append(older, one)
		}
	}
	return older, err
}
