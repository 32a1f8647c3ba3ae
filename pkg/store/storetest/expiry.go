package storetest

import (
	"testing"
	"time"
	_ "time/tzdata" // so that Lisbon is known everywhere

	"github.com/chaveiro/chaveiro/pkg/domain"
)

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

// testMarkAhead checks that a client which a clock that was ahead has marked as expired is valid
// again once the clock is right.
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
