package service_test

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestLogin_ClockAhead: a wrong password that was given while the clock was ahead keeps nobody out when it is right.
func TestLogin_ClockAhead(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			user := w.newUser(t)
			ctx := from(t.Context(), "192.0.2.1")
			w.clock.pass(day)
			for range 20 {
				if _, err := w.Login.Password(ctx, user.Username, "wrong"); err == nil {
					t.Fatal("a wrong password is good")
				}
			}
			w.clock.pass(-day)
			check(t, w.Login.Forget(ctx))
			must(w.Login.Password(ctx, user.Username, password))(t)
		})
	}
}

// TestUsers_Unlock: an operator ends the wait of a user and of an address, and the audit knows it.
func TestUsers_Unlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.newUser(t)
	ctx := from(t.Context(), "192.0.2.1")
	fail := func() {
		for range 40 {
			_, _ = w.Login.Password(ctx, user.Username, "wrong")
		}
	}
	fail()
	if _, err := w.Login.Password(from(t.Context(), "192.0.2.2"), user.Username, password); err == nil {
		t.Error("the account is not locked")
	}
	check(t, w.Users.Unlock(operator(t), user.Username))
	must(w.Login.Password(from(t.Context(), "192.0.2.2"), user.Username, password))(t)
	if _, err := w.Login.Password(ctx, user.Username, password); err == nil {
		t.Error("the address is not locked")
	}
	check(t, w.Users.UnlockAddress(operator(t), netip.MustParseAddr("192.0.2.1")))
	must(w.Login.Password(ctx, user.Username, password))(t)
	wantFaults(t, w.Users.Unlock(operator(t), "nobody"), fault{domain.Missing, "id", domain.ReasonNotFound})
	for i, want := range []domain.Event{
		{ResourceID: user.ID, ResourceName: user.Username}, {ResourceName: "192.0.2.1"},
	} {
		want.ActorKind, want.ActorName, want.Action, want.Resource = domain.PrincipalCommand, "operator", domain.ActionUpdate, domain.ScopeUsers
		want.After = `{"unlocked":true}`
		wantEvent(t, must(w.Audit.Page(t.Context(), domain.AuditFilter{Action: domain.ActionUpdate}, domain.PageRequest{Size: 5}))(t).Items[i], want)
	}
}

// TestClients_ClockAhead: the filters by status are exact again when the clock is.
func TestClients_ClockAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.newClient(t, w.newCA(t).ID)
	list := func(status domain.Status) int {
		return len(must(w.Clients.Page(t.Context(), domain.ClientFilter{Status: status}, domain.PageRequest{Size: 5}))(t).Items)
	}
	w.clock.pass(100 * 365 * day)
	wantSame(t, [2]int{list(domain.StatusValid), list(domain.StatusExpired)}, [2]int{0, 1})
	w.clock.pass(-100 * 365 * day)
	wantSame(t, [2]int{list(domain.StatusValid), list(domain.StatusExpired)}, [2]int{1, 0})
	w.clock.pass(must(w.Clients.Get(t.Context(), client.ID))(t).ExpiresAt.Sub(w.clock.Now()))
	wantSame(t, [2]int{list(domain.StatusValid), list(domain.StatusExpired)}, [2]int{0, 1})
}

// TestAccess_StoreUses_ClockAhead: when a key was last used is told truly again.
func TestAccess_StoreUses_ClockAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newAPIKey(t)
	use := func() time.Time {
		must(w.Access.Exchange(t.Context(), key.Token))(t)
		check(t, w.Access.StoreUses(t.Context()))
		return must(w.store.APIKeys().Get(t.Context(), key.ID))(t).LastUsedAt
	}
	w.clock.pass(day)
	wantSame(t, use(), noon.Add(day))
	w.clock.pass(-day)
	wantSame(t, use(), noon)
}
