package storetest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func sampleMailRecipient() domain.MailRecipient {
	return domain.MailRecipient{
		Address: fresh("Noc") + "@example.com", Language: domain.MailPortuguese, Events: []string{"alarms", "key.exported"},
		Resource: domain.ScopeClients, ResourceID: 7, Days: 14, Enabled: true, CreatedAt: noon,
		UpdatedAt: noon.Add(time.Second),
		MailState: domain.MailState{
			Turn: 3, Told: 41, Last: 43, MessageID: "a@b", WrittenAt: noon, Attempts: 2, RetryAt: noon.Add(time.Minute),
			Failure: "450 não agora ☃", FailedAt: noon.Add(time.Hour), SentAt: noon.Add(-time.Hour), Sent: 9,
		},
	}
}

func newMailRecipient(t testing.TB, s domain.Store, alter ...func(*domain.MailRecipient)) domain.MailRecipient {
	t.Helper()
	r := sampleMailRecipient()
	for _, change := range alter {
		change(&r)
	}
	check(t, s.MailRecipients().Create(t.Context(), &r))
	return r
}

// mailable takes the failure and the letter on its way away.
func mailable(r *domain.MailRecipient) { r.MailState = domain.MailState{Told: 41} }

// mailRecipientRules is the contract of domain.MailRecipients.
var mailRecipientRules = rules{
	{storedForm, testMailForm},
	{missing, testMailMissing},
	{unique, testMailUnique},
	{updates, testMailUpdates},
	{order, testMailOrder},
	{locks, testMailTurns},
}

func testMailForm(t *testing.T, s domain.Store) {
	t.Run("a recipient is read back whole, with all fields or with the least", func(t *testing.T) {
		least := domain.MailRecipient{Address: fresh("a") + "@b", Events: []string{}, CreatedAt: noon, UpdatedAt: noon}
		check(t, s.MailRecipients().Create(t.Context(), &least))
		for _, want := range []domain.MailRecipient{newMailRecipient(t, s), least} {
			wantSame(t, must(s.MailRecipients().Get(t.Context(), want.ID))(t), want)
			check(t, s.Transact(t.Context(), func(tx domain.Store) error {
				locked, err := tx.MailRecipients().Lock(t.Context(), want.ID)
				locked.Events = append([]string{}, locked.Events...)
				wantSame(t, locked, want)
				return err
			}))
		}
	})
}

func testMailMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		_, err := s.MailRecipients().Get(ctx, absent)
		wantMissing(t, err)
		_, err = s.MailRecipients().Lock(ctx, absent)
		wantMissing(t, err)
		wantMissing(t, s.MailRecipients().Delete(ctx, absent))
		wantMissing(t, s.MailRecipients().Update(ctx, domain.MailRecipient{ID: absent, Address: fresh("a")}))
		wantSame(t, must(s.MailRecipients().Note(ctx, absent, domain.MailState{}))(t), false)
	})
	t.Run("a deleted recipient is gone, and not counted", func(t *testing.T) {
		before := must(s.MailRecipients().Count(ctx))(t)
		gone := newMailRecipient(t, s)
		wantSame(t, must(s.MailRecipients().Count(ctx))(t), before+1)
		check(t, s.MailRecipients().Delete(ctx, gone.ID))
		wantSame(t, must(s.MailRecipients().Count(ctx))(t), before)
		_, err := s.MailRecipients().Get(ctx, gone.ID)
		wantMissing(t, err)
	})
}

func testMailUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an address is taken regardless of case", func(t *testing.T) {
		taken, other := newMailRecipient(t, s), newMailRecipient(t, s)
		other.Address = strings.ToUpper(taken.Address)
		wantFault(t, s.MailRecipients().Update(ctx, other), domain.Duplicated, "address", domain.ReasonDuplicated)
		wantFault(t, s.MailRecipients().Create(ctx, &other), domain.Duplicated, "address", domain.ReasonDuplicated)
	})
}

func testMailUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update replaces everything but the creation, and counts", func(t *testing.T) {
		before := newMailRecipient(t, s)
		want := domain.MailRecipient{
			ID: before.ID, Address: fresh("b") + "@c", Language: domain.MailEnglish, Events: []string{"all"}, Days: 90,
			CreatedAt: noon, UpdatedAt: noon.Add(time.Hour), MailState: domain.MailState{Turn: 3},
		}
		asked := want
		asked.CreatedAt = noon.Add(time.Hour)
		check(t, s.MailRecipients().Update(ctx, asked))
		want.Turn = 4
		wantSame(t, must(s.MailRecipients().Get(ctx, want.ID))(t), want)
	})
	t.Run("a state replaces the state alone, once for a turn", func(t *testing.T) {
		want := newMailRecipient(t, s)
		state := domain.MailState{Turn: want.Turn, Told: 43, SentAt: noon, Sent: 10}
		wantSame(t, must(s.MailRecipients().Note(ctx, want.ID, state))(t), true)
		wantSame(t, must(s.MailRecipients().Note(ctx, want.ID, state))(t), false)
		want.MailState, want.Turn = state, state.Turn+1
		wantSame(t, must(s.MailRecipients().Get(ctx, want.ID))(t), want)
	})
	t.Run("events are skipped forwards, for those without a letter on its way", func(t *testing.T) {
		free, busy, other := newMailRecipient(t, s, mailable), newMailRecipient(t, s), newMailRecipient(t, s, mailable)
		ids := []int64{free.ID, busy.ID}
		check(t, s.MailRecipients().Skip(ctx, ids, 50))
		check(t, s.MailRecipients().Skip(ctx, ids, 49))
		free.Told = 50
		for _, want := range []domain.MailRecipient{free, busy, other} {
			wantSame(t, must(s.MailRecipients().Get(ctx, want.ID))(t), want)
		}
	})
}

func testMailOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("pages are by ascending id", func(t *testing.T) {
		all := pageIDs(must(s.MailRecipients().Page(ctx, domain.PageRequest{Size: 100}))(t))
		walk(t, s.MailRecipients().Page, all, 2)
	})
	t.Run("active are those that are enabled and not refused, by ascending id", func(t *testing.T) {
		first := newMailRecipient(t, s, mailable)
		newMailRecipient(t, s, mailable, func(r *domain.MailRecipient) { r.Enabled = false })
		newMailRecipient(t, s) // was refused
		second := newMailRecipient(t, s, mailable)
		all := must(s.MailRecipients().Active(ctx))(t)
		wantSame(t, all[len(all)-2:], []domain.MailRecipient{first, second})
	})
}

func testMailTurns(t *testing.T, s domain.Store) {
	t.Run("of many who note a state at once one does", func(t *testing.T) {
		r := newMailRecipient(t, s, mailable)
		var workers sync.WaitGroup
		done := make(chan bool, 8)
		for i := range cap(done) {
			workers.Go(func() {
				noted, err := s.MailRecipients().Note(t.Context(), r.ID, domain.MailState{Told: int64(i)})
				if err != nil {
					t.Error(err)
				}
				done <- noted
			})
		}
		workers.Wait()
		close(done)
		n := 0
		for noted := range done {
			if noted {
				n++
			}
		}
		wantSame(t, n, 1)
	})
}
