package storetest

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// newUserClient makes a user of an instance.
func newUserClient(t testing.TB, s domain.Store, i domain.Instance, name string) domain.Client {
	t.Helper()
	c := sampleClient(i.CAID, fresh(name))
	c.Kind = domain.Site2User
	check(t, s.Clients().Create(t.Context(), &c))
	cert := sampleCertificate(c, fresh("serial"))
	check(t, s.Certificates().Create(t.Context(), &cert))
	check(t, s.ClientConfigs().Put(t.Context(), sampleConfig(i, c.ID)))
	return c
}

func testClientKinds(t *testing.T, s domain.Store) {
	ctx := t.Context()
	i, other := newInstance(t, s), newInstance(t, s)
	t.Run("a user is one however it is stored", func(t *testing.T) {
		e := enrolment{s, newCA(t, s)}
		asked := sampleClient(e.authority.ID, fresh("enrol"))
		asked.Kind = domain.Site2User
		enrolled, _, _, err := e.enrol(t, asked, "e0")
		check(t, err)
		created, many := sampleClient(i.CAID, fresh("user")), sampleClient(i.CAID, fresh("user"))
		created.Kind, many.Kind = domain.Site2User, domain.Site2User
		check(t, s.Clients().Create(ctx, &created))
		check(t, s.Clients().CreateAll(ctx, []*domain.Client{&many}))
		for _, want := range []domain.Client{enrolled, created, many} {
			wantSame(t, must(s.Clients().Get(ctx, want.ID))(t), want)
			wantSame(t, must(s.Clients().Lock(ctx, want.ID))(t), want)
		}
	})
	t.Run("users have the names with the sites", func(t *testing.T) {
		user, site := newUserClient(t, s, i, "pessoa"), newClient(t, s, i.CAID)
		asUser, asSite := sampleClient(i.CAID, site.Name), sampleClient(other.CAID, user.Name)
		asUser.Kind = domain.Site2User
		for _, again := range []domain.Client{asUser, asSite} {
			wantFault(t, s.Clients().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
			wantSame(t, must(s.Clients().NameTaken(ctx, again.Name, noon))(t), true)
		}
		check(t, s.Clients().Revoke(ctx, user.ID, noon, domain.Unspecified))
		check(t, s.Clients().Create(ctx, &asSite))
		wantSame(t, must(s.ClientConfigs().Namesakes(ctx, i.ID, asSite.ID, user.Name))(t), []int64{user.ID})
	})
	t.Run("a user has one instance", func(t *testing.T) {
		user, site := newUserClient(t, s, i, "pessoa"), newConfig(t, s, i)
		check(t, s.ClientConfigs().Put(ctx, sampleConfig(i, user.ID)))
		second := s.ClientConfigs().Put(ctx, sampleConfig(other, user.ID))
		wantFault(t, second, domain.Duplicated, "instance_id", domain.ReasonDuplicated)
		check(t, s.ClientConfigs().Put(ctx, sampleConfig(other, site.ClientID)))
		wantSame(t, len(must(s.ClientConfigs().OfClients(ctx, nil))(t)), 0)
		want := []domain.ClientConfig{
			sampleConfig(i, user.ID), sampleConfig(i, site.ClientID), sampleConfig(other, site.ClientID),
		}
		if site.ClientID < user.ID {
			want = append(want[1:], want[0])
		}
		ids := []int64{site.ClientID, user.ID, absent}
		wantSame(t, must(s.ClientConfigs().OfClients(ctx, ids))(t), want)
	})
}
