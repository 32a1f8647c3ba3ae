package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func sampleAgent(instanceID int64) domain.Agent {
	return domain.Agent{
		InstanceID: instanceID,
		AgentFacts: domain.AgentFacts{
			Version: "v1.4.0", Interval: 30, Up: true, OpenVPN: "OpenVPN 2.6.14", Tag: "ab", Pending: 2,
			Reload: "SIGHUP", Failures: 3, Lists: []domain.ListInPlace{{Issuer: "0a1b", Number: "123456789012345678901234567890"}},
		},
		ReportedAt: noon, DueAt: noon.Add(time.Minute), LookedAt: noon.Add(-time.Second),
		SeenUntil: noon.Add(time.Minute), Mark: fresh("mark"),
	}
}

// newAgent is an agent that has reported.
func newAgent(t testing.TB, s domain.Store, i domain.Instance, alter ...func(*domain.Agent)) domain.Agent {
	t.Helper()
	a := sampleAgent(i.ID)
	for _, change := range alter {
		change(&a)
	}
	putAgent(t, s, a)
	return a
}

func putAgent(t testing.TB, s domain.Store, a domain.Agent) {
	t.Helper()
	ctx := t.Context()
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		if _, err := tx.Agents().Lock(ctx, a.InstanceID); err != nil {
			return err
		}
		return tx.Agents().Put(ctx, a)
	}))
}

// agentRules is the contract of domain.Agents.
var agentRules = rules{
	{storedForm, testAgentForm},
	{missing, testAgentMissing},
	{updates, testAgentTouch},
	{updates, testAgentHush},
	{references, testAgentReferences},
	{locks, testAgentLocks},
}

func testAgentForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an agent is read back whole, with all fields or with the least", func(t *testing.T) {
		full := newAgent(t, s, newInstance(t, s))
		full.Silent = true
		putAgent(t, s, full)
		least := domain.Agent{InstanceID: newInstance(t, s).ID, ReportedAt: noon, DueAt: noon}
		putAgent(t, s, least)
		for _, want := range []domain.Agent{full, least} {
			wantSame(t, must(s.Agents().Get(ctx, want.InstanceID))(t), want)
		}
	})
	t.Run("one that has never reported is empty, also while it is locked", func(t *testing.T) {
		i := newInstance(t, s)
		want := domain.Agent{InstanceID: i.ID}
		wantSame(t, must(s.Agents().Get(ctx, i.ID))(t), want)
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			wantSame(t, must(tx.Agents().Lock(ctx, i.ID))(t), want)
			return nil
		}))
		wantSame(t, must(s.Agents().Get(ctx, i.ID))(t), want)
		wantSame(t, len(must(s.Agents().Overdue(ctx, noon.AddDate(9, 0, 0), 1000))(t)), 1) // that of the first test
	})
}

func testAgentMissing(t *testing.T, s domain.Store) {
	t.Run("there is no agent without an instance", func(t *testing.T) {
		ctx := t.Context()
		wantMissing(t, s.Transact(ctx, func(tx domain.Store) error {
			_, err := tx.Agents().Lock(ctx, absent)
			return err
		}))
		wantSame(t, must(s.Agents().Touch(ctx, sampleAgent(absent), false))(t), false)
	})
}

func testAgentTouch(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a touch stores what is told, and the look if there was one", func(t *testing.T) {
		before := newAgent(t, s, newInstance(t, s))
		beside := newAgent(t, s, newInstance(t, s))
		asked := before
		asked.ReportedAt, asked.DueAt, asked.Pending = noon.Add(time.Hour), noon.Add(2*time.Hour), 9
		asked.LookedAt, asked.SeenUntil = noon.Add(time.Hour), noon.Add(2*time.Hour)
		want := asked
		want.LookedAt, want.SeenUntil = before.LookedAt, before.SeenUntil
		unmarked := asked
		unmarked.Mark = "another"
		wantSame(t, must(s.Agents().Touch(ctx, unmarked, false))(t), true)
		wantSame(t, must(s.Agents().Get(ctx, before.InstanceID))(t), want)
		wantSame(t, must(s.Agents().Touch(ctx, unmarked, true))(t), false)
		wantSame(t, must(s.Agents().Touch(ctx, asked, true))(t), true)
		wantSame(t, must(s.Agents().Get(ctx, before.InstanceID))(t), asked)
		wantSame(t, must(s.Agents().Get(ctx, beside.InstanceID))(t), beside)
	})
	t.Run("one that is silent, or has never reported, is not touched", func(t *testing.T) {
		silent := newAgent(t, s, newInstance(t, s), func(a *domain.Agent) { a.Silent = true })
		wantSame(t, must(s.Agents().Touch(ctx, silent, true))(t), false)
		wantSame(t, must(s.Agents().Touch(ctx, sampleAgent(newInstance(t, s).ID), false))(t), false)
	})
}

func testAgentHush(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("of those that are late it is told once, the earliest first", func(t *testing.T) {
		late := func(by time.Duration) domain.Agent {
			due := noon.AddDate(-1, 0, 0).Add(-by)
			return newAgent(t, s, newInstance(t, s), func(a *domain.Agent) { a.DueAt = due })
		}
		one, two, three := late(3), late(2*time.Second), late(time.Second)
		now := noon.AddDate(-1, 0, 0)
		wantSame(t, must(s.Agents().Overdue(ctx, now, 1))(t)[0].InstanceID, two.InstanceID)
		told, faults := domaintest.Together(4, func(int) (bool, error) { return s.Agents().Hush(ctx, two) })
		times := 0
		for i, first := range told {
			check(t, faults[i])
			if first {
				times++
			}
		}
		wantSame(t, times, 1)
		list := must(s.Agents().Overdue(ctx, now, 10))(t)
		wantSame(t, []int64{list[0].InstanceID, list[1].InstanceID}, []int64{three.InstanceID, one.InstanceID})
		one.DueAt = one.DueAt.Add(time.Microsecond) // it has reported meanwhile
		wantSame(t, must(s.Agents().Hush(ctx, one))(t), false)
	})
}

func testAgentReferences(t *testing.T, s domain.Store) {
	t.Run("an instance stays as long as it has an agent", func(t *testing.T) {
		i := newInstance(t, s)
		newAgent(t, s, i)
		wantFault(t, s.Instances().Delete(t.Context(), i.ID), domain.Rule, "id", domain.ReasonInUse)
		check(t, s.Agents().Remove(t.Context(), i.ID))
		check(t, s.Instances().Delete(t.Context(), i.ID))
	})
}

func testAgentLocks(t *testing.T, s domain.Store) {
	t.Run("who locks an agent is alone, also the first time", func(t *testing.T) {
		ctx, i := t.Context(), newInstance(t, s)
		_, faults := domaintest.Together(6, func(int) (struct{}, error) {
			return struct{}{}, s.Transact(ctx, func(tx domain.Store) error {
				a, err := tx.Agents().Lock(ctx, i.ID)
				if err != nil {
					return err
				}
				pending := a.Pending + 1
				a = sampleAgent(i.ID)
				a.Pending = pending
				return tx.Agents().Put(ctx, a)
			})
		})
		for _, err := range faults {
			check(t, err)
		}
		wantSame(t, must(s.Agents().Get(ctx, i.ID))(t).Pending, 6)
	})
}
