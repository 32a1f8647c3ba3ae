package storetest

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that Lisbon is known everywhere

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testClients(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a created client is read back whole", func(t *testing.T) {
		want := sampleClient(authority.ID, fresh("Filial"))
		want.RevokedAt = noon.Add(-time.Hour)
		check(t, s.Clients().Create(ctx, &want))
		wantSame(t, must(s.Clients().Get(ctx, want.ID))(t), want)
		wantSame(t, must(s.Clients().Lock(ctx, want.ID))(t), want)
	})
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Clients().Get(ctx, id)
			wantMissing(t, err)
			_, err = s.Clients().Lock(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.Clients().Revoke(ctx, id, noon))
		}
		gone := sampleClient(authority.ID, "gone")
		gone.ID = absent
		wantMissing(t, s.Clients().Update(ctx, gone))
	})
	t.Run("a name is taken regardless of case, and of the CA", func(t *testing.T) {
		taken := newClient(t, s, authority.ID)
		again := sampleClient(newCA(t, s).ID, strings.ToUpper(taken.Name))
		wantFault(t, s.Clients().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
		wantSame(t, must(s.Clients().NameTaken(ctx, strings.ToUpper(taken.Name)))(t), true)
		wantSame(t, must(s.Clients().NameTaken(ctx, taken.Name+"x"))(t), false)
	})
	t.Run("a name that no database can hold is not taken", func(t *testing.T) {
		for _, name := range []string{"a\x00b", "a\xffb"} {
			wantSame(t, must(s.Clients().NameTaken(ctx, name))(t), false)
		}
	})
	t.Run("a CA that does not exist is not found", func(t *testing.T) {
		orphan := sampleClient(absent, fresh("client"))
		wantFault(t, s.Clients().Create(ctx, &orphan), domain.NotFound, "ca_id", domain.ReasonNotFound)
		wantSame(t, must(s.Clients().NameTaken(ctx, orphan.Name))(t), false)
	})
	t.Run(
		"an update changes the record alone, and an empty value clears",
		func(t *testing.T) { testClientUpdate(t, s, authority.ID) },
	)
	t.Run("revoking sets the time", func(t *testing.T) {
		client := newClient(t, s, authority.ID)
		check(t, s.Clients().Revoke(ctx, client.ID, noon.Add(time.Hour)))
		client.RevokedAt, client.UpdatedAt = noon.Add(time.Hour), noon.Add(time.Hour)
		wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), client)
	})
}

func testClientUpdate(t *testing.T, s domain.Store, caID int64) {
	before := newClient(t, s, caID)
	asked := before
	asked.Description, asked.Subject, asked.UpdatedAt = "", domain.Subject{Email: "novo@example.com"},
		noon.Add(time.Hour)
	want := asked
	asked.Name, asked.CAID, asked.ExpiresAt, asked.RevokedAt, asked.CreatedAt = "other", absent, noon, noon,
		noon.Add(time.Hour)
	check(t, s.Clients().Update(t.Context(), asked))
	wantSame(t, must(s.Clients().Get(t.Context(), before.ID))(t), want)
}

func testMarkExpired(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	end := func(at time.Time) int64 {
		c := sampleClient(authority.ID, fresh("client"))
		c.ExpiresAt = at
		check(t, s.Clients().Create(ctx, &c))
		return c.ID
	}
	// Expiry is compared as an instant, in whatever zone it was said: Brasília is three hours
	// behind, and on 25 October 2026 a clock in Lisbon shows half past one twice.
	brasilia := time.FixedZone("-03", -3*60*60)
	lisbon := must(time.LoadLocation("Europe/Lisbon"))(t)
	firstHalfPast := time.Date(2026, time.October, 25, 0, 30, 0, 0, time.UTC).In(lisbon)
	secondHalfPast := firstHalfPast.Add(time.Hour)
	if firstHalfPast.Format(time.TimeOnly) != secondHalfPast.Format(time.TimeOnly) {
		t.Fatal("these are not the same time of day")
	}
	ended := []int64{
		end(noon),
		end(noon.Add(-time.Microsecond).In(brasilia)),
		end(noon.Truncate(time.Second).In(lisbon)),
	}
	later := []int64{
		end(noon.Add(time.Microsecond).In(brasilia)),
		end(noon.Add(time.Hour).In(brasilia)), // earlier than noon if read as text
		end(firstHalfPast), end(secondHalfPast),
	}
	t.Run("nothing is expired before it was marked", func(t *testing.T) {
		wantIDs(t, s, domain.ClientFilter{Status: domain.StatusExpired})
		wantIDs(t, s, domain.ClientFilter{Status: domain.StatusValid}, append(ended[:3:3], later...)...)
	})
	t.Run("at most limit are marked, the earliest first", func(t *testing.T) {
		wantSame(t, must(s.Clients().MarkExpired(ctx, noon.In(brasilia), 2))(t), 2)
		wantIDs(t, s, domain.ClientFilter{Status: domain.StatusExpired}, ended[1], ended[2])
		wantSame(t, must(s.Clients().MarkExpired(ctx, noon, 2))(t), 1)
		wantSame(t, must(s.Clients().MarkExpired(ctx, noon, 2))(t), 0)
	})
	t.Run("exactly those that ended by now are marked", func(t *testing.T) {
		wantIDs(t, s, domain.ClientFilter{Status: domain.StatusExpired}, ended...)
		wantIDs(t, s, domain.ClientFilter{Status: domain.StatusValid}, later...)
	})
	t.Run("the hour that comes twice is two hours", func(t *testing.T) {
		wantSame(t, must(s.Clients().MarkExpired(ctx, firstHalfPast, 100))(t), 3)
		wantIDs(t, s, domain.ClientFilter{Status: domain.StatusValid}, later[3])
		wantSame(t, must(s.Clients().MarkExpired(ctx, secondHalfPast.UTC(), 100))(t), 1)
	})
}

// testMarkAhead: what a clock that was ahead has marked is valid again when it is right.
func testMarkAhead(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	var ids []int64
	for i := range 5 {
		c := sampleClient(authority.ID, fresh("client"))
		c.ExpiresAt = noon.AddDate(i-1, 0, 0)
		check(t, s.Clients().Create(ctx, &c))
		ids = append(ids, c.ID)
	}
	wantSame(t, must(s.Clients().MarkExpired(ctx, noon.AddDate(10, 0, 0), 100))(t), 5)
	wantIDs(t, s, domain.ClientFilter{Status: domain.StatusValid})
	wantSame(t, must(s.Clients().MarkExpired(ctx, noon, 2))(t), 2)
	wantIDs(t, s, domain.ClientFilter{Status: domain.StatusValid}, ids[3:]...)
	wantSame(t, must(s.Clients().MarkExpired(ctx, noon, 2))(t), 1)
	wantSame(t, must(s.Clients().MarkExpired(ctx, noon, 2))(t), 0)
	wantIDs(t, s, domain.ClientFilter{Status: domain.StatusValid}, ids[2:]...)
	wantIDs(t, s, domain.ClientFilter{Status: domain.StatusExpired}, ids[:2]...)
}

// wantIDs checks which clients a filter selects.
func wantIDs(t testing.TB, s domain.Store, filter domain.ClientFilter, want ...int64) {
	t.Helper()
	page := must(s.Clients().Page(t.Context(), filter, domain.PageRequest{Size: 100}))(t)
	if page.Next != nil {
		t.Fatal("more than one page")
	}
	got := make([]int64, len(page.Items))
	for i, c := range page.Items {
		got[i] = c.ID
	}
	if len(want) == 0 {
		want = []int64{}
	}
	wantSame(t, got, want)
}
