package service_test

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestLogin_ClockAhead: wrong passwords that were given while the clock was ahead lock no user out
// once the clock is right.
func TestLogin_ClockAhead(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			user := w.NewUser(t)
			ctx := From(t.Context(), "192.0.2.1")
			w.Clock.Pass(Day)
			for range 20 {
				if _, err := w.Login.Password(ctx, user.Username, "wrong"); err == nil {
					t.Fatal("a wrong password is good")
				}
			}
			w.Clock.Pass(-Day)
			Check(t, w.Login.Forget(ctx))
			Must(w.Login.Password(ctx, user.Username, Password))(t)
		})
	}
}

// TestUsers_Unlock: an operator ends the lock of a user and of an address, and the audit records
// it.
func TestUsers_Unlock(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	user := w.NewUser(t)
	ctx := From(t.Context(), "192.0.2.1")
	fail := func() {
		for range 40 {
			_, _ = w.Login.Password(ctx, user.Username, "wrong")
		}
	}
	fail()
	if _, err := w.Login.Password(From(t.Context(), "192.0.2.2"), user.Username, Password); err == nil {
		t.Error("the account is not locked")
	}
	Check(t, w.Users.Unlock(Operator(t), user.Username))
	Must(w.Login.Password(From(t.Context(), "192.0.2.2"), user.Username, Password))(t)
	if _, err := w.Login.Password(ctx, user.Username, Password); err == nil {
		t.Error("the address is not locked")
	}
	Check(t, w.Users.UnlockAddress(Operator(t), netip.MustParseAddr("192.0.2.1")))
	Must(w.Login.Password(ctx, user.Username, Password))(t)
	WantFaults(t, w.Users.Unlock(Operator(t), "nobody"), NewFault(domain.Missing, "id", domain.ReasonNotFound))
	for i, want := range []domain.Event{
		{ResourceID: user.ID, ResourceName: user.Username}, {ResourceName: "192.0.2.1"},
	} {
		want.ActorKind, want.ActorName, want.Action, want.Resource = domain.PrincipalCommand, "operator",
			domain.ActionUpdate, domain.ScopeUsers
		want.After = `{"unlocked":true}`
		WantEvent(
			t,
			Must(
				w.Audit.Page(t.Context(), domain.AuditFilter{Action: domain.ActionUpdate}, domain.PageRequest{Size: 5}),
			)(t).Items[i], want,
		)
	}
}

// TestClients_ClockAhead: the filters by status are exact again once the clock is right.
func TestClients_ClockAhead(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	client := w.NewClient(t, w.NewCA(t).ID)
	list := func(status domain.Status) int {
		return len(
			Must(w.Clients.Page(t.Context(), domain.ClientFilter{Status: status}, domain.PageRequest{Size: 5}))(t).
				Items,
		)
	}
	w.Clock.Pass(100 * 365 * Day)
	WantSame(t, [2]int{list(domain.StatusValid), list(domain.StatusExpired)}, [2]int{0, 1})
	w.Clock.Pass(-100 * 365 * Day)
	WantSame(t, [2]int{list(domain.StatusValid), list(domain.StatusExpired)}, [2]int{1, 0})
	w.Clock.Pass(Must(w.Clients.Get(t.Context(), client.ID))(t).ExpiresAt.Sub(w.Clock.Now()))
	WantSame(t, [2]int{list(domain.StatusValid), list(domain.StatusExpired)}, [2]int{0, 1})
}

// TestAccess_StoreUses_ClockAhead: the last use of an apikey is correct again once the clock is
// right.
func TestAccess_StoreUses_ClockAhead(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t)
	use := func() time.Time {
		Must(w.Access.Exchange(t.Context(), key.Token))(t)
		Check(t, w.Access.StoreUses(t.Context()))
		return Must(w.Store.APIKeys().Get(t.Context(), key.ID))(t).LastUsedAt
	}
	w.Clock.Pass(Day)
	WantSame(t, use(), Noon.Add(Day))
	w.Clock.Pass(-Day)
	WantSame(t, use(), Noon)
}
