package store_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// told is what TellSlow has told.
type told struct {
	mu   sync.Mutex // guards list
	list []store.Slow
}

func (o *told) take(_ context.Context, s store.Slow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, s)
}

// TestStore_TellSlow: on both engines statements of GORM, those past it, and commits are told, with
// the rows that they had and without their values.
func TestStore_TellSlow(t *testing.T) {
	t.Parallel()
	for engine, locate := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, locate(t))
			var seen told
			s.TellSlow(1, seen.take)
			const name = "um nome que so ela tem"
			err := s.Transact(t.Context(), func(tx domain.Store) error {
				return tx.Roles().Create(t.Context(), &domain.Role{Name: name})
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Roles().Page(t.Context(), domain.PageRequest{Size: 10}); err != nil {
				t.Fatal(err)
			}
			if err := s.Audit().Append(t.Context(), &domain.Event{ActorName: name}); err != nil {
				t.Fatal(err)
			}
			wantTold(t, seen.list, "roles", "audit_events", "audit_chains", "COMMIT")
			for _, one := range seen.list {
				if strings.Contains(one.Text, name) {
					t.Errorf("a value is in %s", one.Text)
				}
			}
		})
	}
}

// wantTold checks that there are statements with these words, and that one of them has read a row.
func wantTold(t *testing.T, list []store.Slow, words ...string) {
	t.Helper()
	var all strings.Builder
	rows := false
	for _, one := range list {
		all.WriteString(one.Text + "\n")
		rows = rows || one.Rows > 0 && strings.HasPrefix(one.Text, "SELECT")
		if one.Took <= 0 {
			t.Errorf("%+v", one)
		}
	}
	for _, word := range words {
		if !strings.Contains(all.String(), word) {
			t.Errorf("no statement with %s is told: %s", word, all.String())
		}
	}
	if !rows {
		t.Error("no statement has rows")
	}
}
