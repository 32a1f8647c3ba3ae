package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testEndings: what ends in a span is listed until a notice is there, and a notice is stored once.
func testEndings(t *testing.T, s domain.Store) {
	ctx := t.Context()
	end := noon.Add(5 * 24 * time.Hour)
	key := sampleAPIKey()
	key.ExpiresAt = end
	check(t, s.APIKeys().Create(ctx, &key))
	want := domain.Ending{Resource: domain.ScopeAPIKeys, ID: key.ID, Name: key.Name, EndsAt: end}
	of := func(days int, after, upTo time.Time) []domain.Ending {
		span := domain.EndingSpan{After: after, AfterID: domain.MaxID, UpTo: upTo}
		return must(s.Events().Endings(ctx, domain.ScopeAPIKeys, days, span, 10))(t)
	}
	wantSame(t, of(7, noon, end), []domain.Ending{want})
	wantSame(t, len(of(7, noon, end.Add(-time.Microsecond)))+len(of(7, end, end.Add(time.Hour))), 0)
	for _, first := range []int{1, 0} {
		wantSame(t, len(must(s.Events().Notice(ctx, []domain.Ending{want, want}, 7))(t)), first)
	}
	wantSame(t, len(of(7, noon, end)), 0)
	wantSame(t, of(1, noon, end), []domain.Ending{want})
	check(t, s.Events().ForgetNotices(ctx, end))
	wantSame(t, len(of(7, noon, end)), 0)
	check(t, s.Events().ForgetNotices(ctx, end.Add(time.Microsecond)))
	wantSame(t, of(7, noon, end), []domain.Ending{want})
	none := must(s.Events().Endings(ctx, domain.ScopeRoles, 7, domain.EndingSpan{After: noon, UpTo: end}, 10))(t)
	wantSame(t, len(none), 0)
	testClientEndings(t, s, end)
}

// testClientEndings: clients of both kinds are listed by their ends, in parts, and by their
// certificates.
func testClientEndings(t *testing.T, s domain.Store, end time.Time) {
	ctx := t.Context()
	_, before, err := s.Events().EndingLook(ctx, 7)
	check(t, err)
	authority := newCA(t, s)
	var want []domain.Ending
	for i, kind := range []domain.ClientKind{domain.Site2User, domain.Site2Site, domain.Site2User, domain.Site2Site} {
		c := sampleClient(authority.ID, fresh("client"))
		c.Kind, c.ExpiresAt = kind, end.Add(time.Duration(i/2)*time.Hour)
		check(t, s.Clients().Create(ctx, &c))
		newCertificate(t, s, c)
		newCertificate(t, s, c)
		want = append(want, domain.Ending{
			Resource: domain.ScopeClients, ID: c.ID, Name: c.Name, CAID: c.CAID, Serial: c.Serial, EndsAt: c.ExpiresAt,
		})
	}
	span := domain.EndingSpan{After: end, UpTo: end.Add(time.Hour)}
	of := func(from domain.EndingSpan, limit int) []domain.Ending {
		return must(s.Events().Endings(ctx, domain.ScopeClients, 7, from, limit))(t)
	}
	wantSame(t, of(span, 10), want)
	wantSame(t, of(span, 3), want[:3])
	span.AfterID = want[0].ID
	wantSame(t, of(span, 10), want[1:])
	made, last, err := s.Events().NewEndings(ctx, 7, before, span, 10)
	check(t, err)
	wantSame(t, len(made), 4) // the later two, each by two certificates
	_, newest, err := s.Events().EndingLook(ctx, 7)
	check(t, err)
	wantSame(t, last, newest)
	must(s.Events().Notice(ctx, want[:3], 7))(t)
	wantSame(t, of(span, 10), want[3:])
	testEndingLook(t, s, end, newest)
}

// testEndingLook: the last look is kept, and when all is to be looked through again while a look is
// under way, that look does not count as one through all.
func testEndingLook(t *testing.T, s domain.Store, end time.Time, newest int64) {
	ctx := t.Context()
	kept := func() domain.EndingLook {
		look, _, err := s.Events().EndingLook(ctx, 7)
		check(t, err)
		return look
	}
	var look domain.EndingLook
	for i := range 2 {
		before := look.WholeAt
		look = domain.EndingLook{
			Reached: end.Add(time.Duration(i) * time.Microsecond), Settled: int64(i), Newest: newest, LookedAt: noon,
			WholeAt: noon.Add(time.Duration(i-1) * day),
		}
		check(t, s.Events().KeepEndingLook(ctx, 7, look, before))
		wantSame(t, kept(), look)
	}
	for i := range 2 {
		before := kept().WholeAt
		check(t, s.Events().LookAnew(ctx, noon.Add(time.Duration(i)*time.Microsecond)))
		anew := kept()
		check(t, s.Events().KeepEndingLook(ctx, 7, look, before))
		wantSame(t, kept().WholeAt, anew.WholeAt)
		wantSame(t, noon.Sub(anew.WholeAt) > 365*day, true)
	}
	check(t, s.Events().KeepEndingLook(ctx, 7, look, kept().WholeAt))
	wantSame(t, kept(), look)
}
