package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// sampleEvent has a value in every field, and a digest of its own.
func sampleEvent() domain.Event {
	name := fresh("event")
	return domain.Event{
		At: noon, ActorKind: domain.PrincipalAPIKey, ActorID: 7, ActorName: "Integração", Address: "2001:db8::1",
		RequestID: "01J", Operation: "updateUser",
		Action: domain.ActionUpdate, Refused: true, Resource: domain.ScopeUsers, ResourceID: 9, ResourceName: name,
		Before: `{"enabled":true}`,
		After:  `{"enabled":false}`, Digest: sha256.Sum256([]byte(name)),
	}
}

// stored is an event as it is read back: the digest is not stored.
func stored(e domain.Event) domain.Event {
	e.Digest = [32]byte{}
	return e
}

// linkHash is the hash of an event that follows one with the hash before.
func linkHash(before [32]byte, e domain.Event) [32]byte {
	numbers := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(e.ResourceID)), uint64(e.ID))
	return sha256.Sum256([]byte(string(before[:]) + string(e.Digest[:]) + string(numbers)))
}

// chainOf returns all events of a chain, read a few at a time.
func chainOf(t testing.TB, s domain.Store, chain int) []domain.Event {
	t.Helper()
	var all []domain.Event
	for position := int64(0); ; position = all[len(all)-1].Position {
		list := must(s.Audit().After(t.Context(), chain, position, 7))(t)
		all = append(all, list...)
		if len(list) < 7 {
			return all
		}
	}
}

// wantLinked checks the place of an event on its chain.
func wantLinked(t testing.TB, s domain.Store, e domain.Event) {
	t.Helper()
	var before [32]byte
	if e.Position > 1 {
		before = must(s.Audit().After(t.Context(), e.Chain, e.Position-2, 1))(t)[0].Hash
	}
	wantSame(t, e.Hash, linkHash(before, e))
}

// wantChains checks that the chains consist of exactly the events: each whole, in its place, with
// its hash, and the last one at the end.
func wantChains(t testing.TB, s domain.Store, events []domain.Event) {
	t.Helper()
	byID := map[int64]domain.Event{}
	for _, e := range events {
		byID[e.ID] = e
	}
	ends := must(s.Audit().Ends(t.Context()))(t)
	wantSame(t, len(ends), domain.AuditChains)
	found := 0
	for chain, end := range ends {
		last := domain.Link{Chain: chain}
		for _, got := range chainOf(t, s, chain) {
			want := byID[got.ID]
			wantSame(t, got, stored(want))
			last = domain.Link{Chain: chain, Position: last.Position + 1, Hash: linkHash(last.Hash, want)}
			wantSame(t, got.Link, last)
			found++
		}
		wantSame(t, end, last)
	}
	wantSame(t, found, len(events))
	wantSame(t, len(byID), len(events))
}

func testAudit(t *testing.T, s domain.Store) {
	ctx := t.Context()
	var all []domain.Event
	wantChains(t, s, nil)
	t.Run("an appended event is read back whole", func(t *testing.T) {
		want := sampleEvent()
		want.Chain, want.Position, want.Hash, want.ID = 99, 99, [32]byte{9}, 99 // whatever they were, they are set
		check(t, s.Audit().Append(ctx, &want))
		wantSame(t, want.Position, 1)
		wantSame(t, must(s.Audit().Get(ctx, want.ID))(t), stored(want))
		none := domain.Event{At: noon}
		check(t, s.Audit().Append(ctx, &none))
		wantSame(t, must(s.Audit().Get(ctx, none.ID))(t), stored(none))
		all = append(all, want, none)
		wantChains(t, s, all)
	})
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Audit().Get(ctx, id)
			wantMissing(t, err)
		}
	})
	t.Run("the events of one transaction are on one chain", func(t *testing.T) {
		for range 10 {
			one, two := sampleEvent(), sampleEvent()
			check(t, s.Transact(ctx, func(tx domain.Store) error {
				return errors.Join(tx.Audit().Append(ctx, &one), tx.Audit().Append(ctx, &two))
			}))
			wantSame(t, [2]int64{int64(two.Chain), two.Position}, [2]int64{int64(one.Chain), one.Position + 1})
			all = append(all, one, two)
		}
		wantChains(t, s, all)
	})
	testAuditSpread(t, s, all)
}

func testAuditSpread(t *testing.T, s domain.Store, all []domain.Event) {
	ctx := t.Context()
	t.Run("a transaction that is rolled back leaves no gap", func(t *testing.T) {
		for range 2 * domain.AuditChains {
			cause, gone := errors.New("cause"), sampleEvent()
			err := s.Transact(
				ctx, func(tx domain.Store) error { return errors.Join(tx.Audit().Append(ctx, &gone), cause) },
			)
			if !errors.Is(err, cause) {
				t.Errorf("error is %v", err)
			}
		}
		wantChains(t, s, all)
	})
	t.Run("events are spread over the chains", func(t *testing.T) {
		once(t, s)
		used := [2]map[int]bool{{}, {}}
		for i := range 200 {
			e := sampleEvent()
			if i%2 == 0 {
				check(t, s.Audit().Append(ctx, &e))
			} else {
				check(t, s.Transact(ctx, func(tx domain.Store) error { return tx.Audit().Append(ctx, &e) }))
			}
			used[i%2][e.Chain], all = true, append(all, e)
		}
		if len(used[0]) < domain.AuditChains/2 || len(used[1]) < domain.AuditChains/2 {
			t.Errorf(
				"a hundred events are on %d chains, those of a hundred transactions on %d", len(used[0]), len(used[1]),
			)
		}
		wantChains(t, s, all)
	})
}

// testAuditLocks checks that all events of callers that come at the same time are on a chain, and
// that no two of them wait for each other.
func testAuditLocks(t *testing.T, s domain.Store) {
	ctx := t.Context()
	var all []domain.Event
	collect := func(t *testing.T, n int, fn func(i int) ([]domain.Event, error)) {
		t.Helper()
		lists, faults := domaintest.Together(n, fn)
		checkAll(t, faults)
		for _, list := range lists {
			all = append(all, list...)
		}
		wantChains(t, s, all)
	}
	t.Run("of many events each gets its place", func(t *testing.T) {
		collect(t, 16, func(int) (list []domain.Event, err error) {
			for len(list) < 25 && err == nil {
				e := sampleEvent()
				err = s.Audit().Append(ctx, &e)
				list = append(list, e)
			}
			return list, err
		})
	})
	t.Run("transactions that change something and append last do not stop one another", func(t *testing.T) {
		authority := newCA(t, s)
		rows := []domain.Client{
			newClient(t, s, authority.ID), newClient(t, s, authority.ID), newClient(t, s, authority.ID),
		}
		role := newRole(t, s)
		change := []func(tx domain.Store, round int, e *domain.Event) error{
			func(tx domain.Store, round int, e *domain.Event) error {
				return changeClient(ctx, tx, rows[round%3], e)
			},
			func(tx domain.Store, round int, e *domain.Event) error { return changeClient(ctx, tx, rows[0], e) },
			func(tx domain.Store, _ int, e *domain.Event) error { return changeRole(ctx, tx, role, e) },
			func(tx domain.Store, _ int, e *domain.Event) error { return enrolOne(ctx, tx, authority.ID, e) },
		}
		collect(t, 16, func(i int) (list []domain.Event, err error) {
			for round := 0; round < 10 && err == nil; round++ {
				e := sampleEvent()
				err = s.Transact(ctx, func(tx domain.Store) error { return change[i%4](tx, round, &e) })
				list = append(list, e)
			}
			return list, err
		})
	})
	t.Run("nor do those who enrol at once", func(t *testing.T) {
		authority := newCA(t, s)
		collect(t, 16, func(int) (list []domain.Event, err error) {
			for len(list) < 10 && err == nil {
				e := sampleEvent()
				err = enrolOne(ctx, s, authority.ID, &e)
				list = append(list, e)
			}
			return list, err
		})
	})
}

func changeClient(ctx context.Context, tx domain.Store, c domain.Client, e *domain.Event) error {
	c.Description = e.ResourceName
	if err := tx.Clients().Update(ctx, c); err != nil {
		return err
	}
	return tx.Audit().Append(ctx, e)
}

func changeRole(ctx context.Context, tx domain.Store, r domain.Role, e *domain.Event) error {
	if err := tx.AccessControl().Advance(ctx); err != nil {
		return err
	}
	r.UpdatedAt = r.UpdatedAt.Add(time.Second)
	if err := tx.Roles().Update(ctx, r); err != nil {
		return err
	}
	return tx.Audit().Append(ctx, e)
}

func enrolOne(ctx context.Context, s domain.Store, caID int64, e *domain.Event) error {
	c := sampleClient(caID, fresh("enrol"))
	cert := sampleCertificate(c, fmt.Sprintf("%x", e.Digest[:16]))
	return s.Clients().Enrol(ctx, &c, &cert, e)
}
