package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

const reservedChain = domain.AuditChains - 1

// testReserve checks that the last chain belongs to one long transaction at a time. That one may go
// on after it has appended.
func testReserve(t *testing.T, s domain.Store) {
	ctx := t.Context()
	var all []domain.Event
	t.Run("it is the first in a transaction, or refused", func(t *testing.T) {
		reserve := func(tx domain.Store) error { return tx.Audit().Reserve(ctx) }
		wantRefused := func(err error) {
			t.Helper()
			if err == nil || domain.Faults(err) != nil {
				t.Errorf("error is %v", err)
			}
		}
		wantRefused(reserve(s))
		wantRefused(s.Transact(ctx, func(tx domain.Store) error { return errors.Join(reserve(tx), reserve(tx)) }))
		wantRefused(s.Transact(ctx, func(tx domain.Store) error {
			e := sampleEvent()
			return errors.Join(tx.Audit().Append(ctx, &e), reserve(tx))
		}))
		wantChains(t, s, nil)
	})
	t.Run("all events of a transaction that has it are on the last chain, and no others", func(t *testing.T) {
		events := []*domain.Event{{At: noon}, {At: noon}, {At: noon}, {At: noon}}
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			return errors.Join(
				tx.Audit().Reserve(ctx), tx.Audit().AppendAll(ctx, events[:2]), tx.Audit().Append(ctx, events[2]),
				tx.Audit().AppendAll(ctx, events[3:]),
			)
		}))
		for i, got := range chainOf(t, s, reservedChain) {
			events[i].ID = got.ID
			all = append(all, *events[i])
		}
		wantSame(t, len(all), len(events))
		for range 4 * domain.AuditChains {
			e := sampleEvent()
			check(t, s.Audit().Append(ctx, &e))
			all = append(all, e)
		}
		wantSame(t, len(chainOf(t, s, reservedChain)), len(events))
		wantChains(t, s, all)
		wantSame(t, len(must(s.Audit().Strays(ctx))(t)), 0)
	})
	testReserveWaits(t, s, all)
}

func testReserveWaits(t *testing.T, s domain.Store, all []domain.Event) {
	ctx := t.Context()
	t.Run("one has it at a time, and who waits for it stops nobody", func(t *testing.T) {
		authority := newCA(t, s)
		row := newClient(t, s, authority.ID)
		lists, faults := domaintest.Together(8, func(i int) (list []domain.Event, err error) {
			for round := 0; round < 5 && err == nil; round++ {
				one, two := sampleEvent(), sampleEvent()
				if i%2 == 0 {
					err = s.Transact(ctx, func(tx domain.Store) error { return changeClient(ctx, tx, row, &one) })
					list = append(list, one)
					continue
				}
				err = s.Transact(ctx, func(tx domain.Store) error { return changeTwice(ctx, tx, row, &one, &two) })
				if err == nil && (two.Chain != one.Chain || two.Position != one.Position+1) {
					err = errors.New("another has appended to the last chain meanwhile")
				}
				list = append(list, one, two)
			}
			return list, err
		})
		checkAll(t, faults)
		for _, list := range lists {
			all = append(all, list...)
		}
		wantChains(t, s, all)
	})
}

// changeTwice appends before it locks a row that others have who then wait for a chain.
func changeTwice(ctx context.Context, tx domain.Store, row domain.Client, one, two *domain.Event) error {
	if err := tx.Audit().Reserve(ctx); err != nil {
		return err
	}
	if err := tx.Audit().Append(ctx, one); err != nil {
		return err
	}
	return changeClient(ctx, tx, row, two)
}
