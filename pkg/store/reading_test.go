package store_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// TestReading_AccessChanges: if there are more changes than the limit, the oldest are returned,
// whichever chains they are on.
func TestReading_AccessChanges(t *testing.T) {
	t.Parallel()
	for engine, newLocation := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			location := newLocation(t)
			testAccessChanges(t, migrated(t, location), location)
		})
	}
}

func testAccessChanges(t *testing.T, s *store.Store, location string) {
	const told, all = 1000, 1100
	begin := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	err := s.Transact(t.Context(), func(tx domain.Store) error {
		for _, one := range []domain.Scope{domain.ScopeClients, domain.ScopeDevices} {
			e := domain.Event{At: begin, Action: domain.ActionCreate, Resource: one}
			if err := tx.Audit().Append(t.Context(), &e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all { // the latest first
		e := domain.Event{
			At: begin.Add(time.Duration(all-i) * time.Second), Action: domain.ActionUpdate, Resource: domain.ScopeUsers,
			ResourceID: int64(all - i),
		}
		if err := s.Audit().Append(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
	}
	lost, err := store.OpenReading(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	defer lost.Close()
	ends := make([]domain.Link, domain.AuditChains)
	for i := range ends {
		ends[i].Chain = i
	}
	list, err := lost.AccessChanges(t.Context(), ends)
	if err != nil || len(list) != told {
		t.Fatalf("%d events, %v", len(list), err)
	}
	for i, e := range list {
		if e.ResourceID != int64(i+1) {
			t.Fatalf("event %d is of user %d", i, e.ResourceID)
		}
	}
}
