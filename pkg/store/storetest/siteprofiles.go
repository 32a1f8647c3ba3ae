package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// siteProfileRules is the contract of what domain.ClientConfigs says of profiles.
var siteProfileRules = rules{
	{updates, testProfilesOutdated},
	{order, testProfileStates},
}

// profiled is a site whose profile is of a version of the instance and a revision of the config.
func profiled(t testing.TB, s domain.Store, i domain.Instance, version, revision int64) domain.ClientConfig {
	t.Helper()
	c := newConfig(t, s, i)
	fetched := domain.FetchedProfile{Version: version, Revision: revision, Format: "openvpn", At: noon.Add(time.Minute)}
	check(t, s.ClientConfigs().Fetched(t.Context(), i.ID, c.ClientID, fetched))
	return c
}

// linked gives a site a link.
func linked(
	t testing.TB, s domain.Store, c domain.ClientConfig, alter ...func(*domain.Enrolment),
) domain.Enrolment {
	t.Helper()
	e := sampleEnrolment(c.ClientID, c.InstanceID)
	for _, change := range alter {
		change(&e)
	}
	check(t, s.Enrolments().Create(t.Context(), &e))
	return e
}

// sitesOfAllStates are the sites of an instance by their state, of each two, but two more that are
// stale because their links have ended. Others are not in force.
func sitesOfAllStates(t testing.TB, s domain.Store, i domain.Instance) map[domain.ProfileState][]int64 {
	t.Helper()
	ctx := t.Context()
	all := map[domain.ProfileState][]int64{}
	put := func(state domain.ProfileState, c domain.ClientConfig) domain.ClientConfig {
		all[state] = append(all[state], c.ClientID)
		return c
	}
	for range 2 {
		linked(t, s, put(domain.ProfileCurrent, profiled(t, s, i, 7, 5)))
		linked(t, s, put(domain.ProfileNever, newConfig(t, s, i)))
		put(domain.ProfileStale, profiled(t, s, i, 6, 5))
		revoked := profiled(t, s, i, 6, 5)
		check(t, s.Clients().Revoke(ctx, revoked.ClientID, noon, domain.Unspecified))
		one := put(domain.ProfileLinked, profiled(t, s, i, 7, 4))
		linked(t, s, one)
		linked(t, s, one)
		linked(t, s, one, func(e *domain.Enrolment) { e.RevokedAt = noon })
		profiled(t, s, newInstance(t, s), 6, 5)
	}
	linked(t, s, put(domain.ProfileStale, profiled(t, s, i, 7, 4)), func(e *domain.Enrolment) { e.ExpiresAt = noon })
	tried := put(domain.ProfileStale, profiled(t, s, i, 6, 5))
	linked(t, s, tried, func(e *domain.Enrolment) { e.Tries = domain.MaxEnrolmentTries })
	linked(t, s, tried, func(e *domain.Enrolment) { e.ClaimedAt = noon })
	elsewhere := sampleConfig(newInstance(t, s), tried.ClientID)
	check(t, s.ClientConfigs().Put(ctx, elsewhere))
	linked(t, s, elsewhere)
	return all
}

func testProfileStates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	i := newInstance(t, s)
	all := sitesOfAllStates(t, s, i)
	t.Run("the sites in force are counted by the state of their profile", func(t *testing.T) {
		want := domain.Progress{Current: 2, Stale: 4, Linked: 2, Never: 2}
		wantSame(t, must(s.ClientConfigs().Progress(ctx, i.ID, noon))(t), want)
		end := must(s.Clients().Get(ctx, all[domain.ProfileStale][0]))(t).ExpiresAt
		wantSame(t, must(s.ClientConfigs().Progress(ctx, i.ID, end))(t), domain.Progress{})
		wantSame(t, must(s.ClientConfigs().Progress(ctx, absent, noon))(t), domain.Progress{})
	})
	t.Run("they are listed by ascending id, all or those of a state", func(t *testing.T) {
		pages := func(state domain.ProfileState) pager[domain.SiteProfile] {
			filter := domain.SiteProfileFilter{InstanceID: i.ID, State: state, At: noon}
			return func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.SiteProfile], error) {
				return s.ClientConfigs().Profiles(ctx, filter, req)
			}
		}
		for _, state := range domain.ProfileStates() {
			page := must(pages(state)(ctx, domain.PageRequest{Size: 1}))(t)
			found := page.Items
			for page.Next != nil {
				page = must(pages(state)(ctx, domain.PageRequest{Cursor: *page.Next, Size: 1}))(t)
				found = append(found, page.Items...)
			}
			var ids []int64
			for _, one := range found {
				wantSame(t, one.State, state)
				ids = append(ids, one.ClientID)
			}
			wantSame(t, ids, all[state])
		}
		wantSame(t, len(must(pages("")(ctx, domain.PageRequest{Size: 100}))(t).Items), 10)
	})
	t.Run("a site is told with its profile and its newest open link", func(t *testing.T) {
		c := profiled(t, s, i, 6, 5)
		linked(t, s, c)
		link := linked(t, s, c, func(e *domain.Enrolment) { e.ExpiresAt = noon.Add(time.Minute) })
		filter := domain.SiteProfileFilter{InstanceID: i.ID, At: noon}
		found := must(s.ClientConfigs().Profiles(ctx, filter, domain.PageRequest{Cursor: c.ClientID - 1, Size: 1}))(t)
		wantSame(t, found.Items, []domain.SiteProfile{{
			ClientID: c.ClientID, Name: must(s.Clients().Get(ctx, c.ClientID))(t).Name, State: domain.ProfileLinked,
			Version: 6, FetchedAt: noon.Add(time.Minute), Format: "openvpn", LinkID: link.ID,
			LinkCreatedAt: link.CreatedAt, LinkExpiresAt: link.ExpiresAt,
		}})
	})
}

func testProfilesOutdated(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the profiles of a format become stale", func(t *testing.T) {
		i := newInstance(t, s)
		one, never, elsewhere := profiled(t, s, i, 7, 5), newConfig(t, s, i), profiled(t, s, newInstance(t, s), 7, 5)
		check(t, s.ClientConfigs().Outdate(ctx, i.ID, "routeros"))
		wantSame(t, must(s.ClientConfigs().Get(ctx, i.ID, one.ClientID))(t).Revision, int64(5))
		check(t, s.ClientConfigs().Outdate(ctx, i.ID, "openvpn"))
		wantSame(t, must(s.ClientConfigs().Get(ctx, i.ID, one.ClientID))(t).Revision, int64(6))
		wantSame(t, must(s.ClientConfigs().Get(ctx, i.ID, never.ClientID))(t).Revision, int64(5))
		wantSame(t, must(s.ClientConfigs().Get(ctx, elsewhere.InstanceID, elsewhere.ClientID))(t).Revision, int64(5))
	})
}
