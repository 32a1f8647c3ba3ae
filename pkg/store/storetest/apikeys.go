package storetest

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// sampleAPIKey has a value in every field, and the given roles.
func sampleAPIKey(roles ...domain.Role) domain.APIKey {
	return domain.APIKey{
		Name: fresh("Integração"), Description: "a key\nof two lines", Superuser: true, Roles: roles, Enabled: true,
		ExpiresAt: noon.AddDate(1, 0, 0),
		AllowedIPs: []netip.Prefix{
			netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.1/32"),
			netip.MustParsePrefix("0.0.0.0/0"),
		},
		Binding:   domain.Binding{Own: "own", Before: "before", Passing: "passing"},
		Instances: []int64{7, 3},
		RateLimit: 600, Generation: 7, PreviousUntil: noon.Add(time.Hour), LastUsedAt: noon.Add(-time.Hour),
		LastUsedIP: "2001:db8::1",
		CreatedAt:  noon, UpdatedAt: noon.Add(time.Second),
	}
}

func newAPIKey(t testing.TB, s domain.Store, roles ...domain.Role) domain.APIKey {
	t.Helper()
	k := sampleAPIKey(roles...)
	check(t, s.APIKeys().Create(t.Context(), &k))
	return k
}

// apiKeyRules is the contract of domain.APIKeys.
var apiKeyRules = rules{
	{storedForm, testAPIKeyForm},
	{missing, testAPIKeyMissing},
	{unique, testAPIKeyUnique},
	{references, testAPIKeyReferences},
	{updates, testAPIKeyUpdates},
	{order, testAPIKeyOrder},
	{"Uses", testAPIKeyUses},
	{locks, testAPIKeyLocks},
}

func testAPIKeyForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one, two := newRole(t, s), newRole(t, s)
	t.Run("a created apikey is read back whole, its roles by ascending id", func(t *testing.T) {
		want := newAPIKey(t, s, two, one)
		if want.ID <= 0 || want.ID > domain.MaxID {
			t.Errorf("the id is %d", want.ID)
		}
		want.Roles = []domain.Role{one, two}
		wantSame(t, must(s.APIKeys().Get(ctx, want.ID))(t), want)
		plain := domain.APIKey{Name: fresh("plain"), Generation: 1, CreatedAt: noon, UpdatedAt: noon}
		check(t, s.APIKeys().Create(ctx, &plain))
		wantSame(t, must(s.APIKeys().Get(ctx, plain.ID))(t), plain)
	})
}

func testAPIKeyMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one := newRole(t, s)
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.APIKeys().Get(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.APIKeys().Delete(ctx, id))
		}
		gone := sampleAPIKey(one)
		gone.ID = absent
		wantMissing(t, s.APIKeys().Update(ctx, gone))
	})
}

func testAPIKeyUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken, other := newAPIKey(t, s), newAPIKey(t, s)
		again := sampleAPIKey()
		again.Name = strings.ToUpper(taken.Name)
		wantFault(t, s.APIKeys().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
		renamed := other
		renamed.Name = again.Name
		wantFault(t, s.APIKeys().Update(ctx, renamed), domain.Duplicated, "name", domain.ReasonDuplicated)
		wantSame(t, must(s.APIKeys().Get(ctx, other.ID))(t), other)
		taken.Name = strings.ToUpper(taken.Name)
		check(t, s.APIKeys().Update(ctx, taken))
		wantSame(t, must(s.APIKeys().Get(ctx, taken.ID))(t), taken)
	})
}

func testAPIKeyReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one := newRole(t, s)
	t.Run("a role that does not exist is not found, and leaves no apikey", func(t *testing.T) {
		k := sampleAPIKey(one, domain.Role{ID: absent})
		wantFault(t, s.APIKeys().Create(ctx, &k), domain.NotFound, "roles", domain.ReasonNotFound)
		wantSame(t, k.ID, 0)
		there := newAPIKey(t, s, one)
		asked := there
		asked.Roles = k.Roles
		wantFault(t, s.APIKeys().Update(ctx, asked), domain.NotFound, "roles", domain.ReasonNotFound)
		wantSame(t, must(s.APIKeys().Get(ctx, there.ID))(t), there)
		k.Roles = nil
		check(t, s.APIKeys().Create(ctx, &k))
	})
	t.Run("deletion takes the assignments along, not the roles", func(t *testing.T) {
		role := newRole(t, s)
		gone, left := newAPIKey(t, s, one, role), newAPIKey(t, s, one)
		check(t, s.APIKeys().Delete(ctx, gone.ID))
		_, err := s.APIKeys().Get(ctx, gone.ID)
		wantMissing(t, err)
		wantSame(t, must(s.APIKeys().Get(ctx, left.ID))(t), left)
		wantSame(t, must(s.Roles().Get(ctx, role.ID))(t), role)
		check(t, s.Roles().Delete(ctx, role.ID))
	})
}

func testAPIKeyUpdates(t *testing.T, s domain.Store) {
	t.Run(
		"an update replaces everything but the last use and the creation",
		func(t *testing.T) { testAPIKeyUpdate(t, s) },
	)
}

func testAPIKeyOrder(t *testing.T, s domain.Store) {
	t.Run("pages carry the roles of each", func(t *testing.T) { testAPIKeyPages(t, s) })
}

func testAPIKeyUpdate(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one, two, three := newRole(t, s), newRole(t, s), newRole(t, s)
	k := newAPIKey(t, s, one, two)
	other := newAPIKey(t, s, one, two)
	want := domain.APIKey{
		ID: k.ID, Name: fresh("renamed"), Roles: []domain.Role{two, three}, LastUsedAt: k.LastUsedAt,
		LastUsedIP: k.LastUsedIP, CreatedAt: k.CreatedAt,
	}
	want.Description, want.Generation, want.UpdatedAt = "d", 8, noon.Add(time.Hour)
	asked := want
	asked.LastUsedAt, asked.LastUsedIP, asked.CreatedAt = noon.Add(time.Hour), "203.0.113.9", noon.Add(time.Hour)
	check(t, s.APIKeys().Update(ctx, asked))
	wantSame(t, must(s.APIKeys().Get(ctx, k.ID))(t), want)
	want.Roles, asked.Roles = nil, nil
	check(t, s.APIKeys().Update(ctx, asked))
	wantSame(t, must(s.APIKeys().Get(ctx, k.ID))(t), want)
	wantSame(t, must(s.APIKeys().Get(ctx, other.ID))(t), other)
}

func testAPIKeyPages(t *testing.T, s domain.Store) {
	ctx := t.Context()
	roles := []domain.Role{newRole(t, s), newRole(t, s), newRole(t, s)}
	for i := range 8 {
		newAPIKey(t, s, roles[:i%4]...)
	}
	var ids []int64
	for _, k := range must(s.APIKeys().Page(ctx, domain.PageRequest{Size: 100}))(t).Items {
		ids = append(ids, k.ID)
		wantSame(t, k, must(s.APIKeys().Get(ctx, k.ID))(t))
	}
	for i, id := range slices.Backward(ids[len(ids)-8:]) {
		wantSame(t, len(must(s.APIKeys().Get(ctx, id))(t).Roles), i%4)
	}
	for _, size := range []int{1, 3, 100} {
		walk(t, s.APIKeys().Page, ids, size)
	}
	page, err := s.APIKeys().Page(ctx, domain.PageRequest{Cursor: absent, Size: 3})
	wantPage(t, page, err, ids, absent, 3)
}

func testAPIKeyUses(t *testing.T, s domain.Store) {
	ctx := t.Context()
	role := newRole(t, s)
	k, other := newAPIKey(t, s, role), newAPIKey(t, s)
	never := domain.APIKey{Name: fresh("never"), Generation: 1, CreatedAt: noon, UpdatedAt: noon}
	check(t, s.APIKeys().Create(ctx, &never))
	used := func(t *testing.T, k *domain.APIKey, at time.Time, address string) {
		t.Helper()
		k.LastUsedAt, k.LastUsedIP = at, address
		wantSame(t, must(s.APIKeys().Get(ctx, k.ID))(t), *k)
	}
	t.Run("a newer one wins and changes nothing else, keys that are gone are passed over", func(t *testing.T) {
		check(t, s.APIKeys().Used(ctx, []domain.APIKeyUse{
			{ID: never.ID, At: noon.Add(999), Address: "192.0.2.9"}, {ID: absent, At: noon, Address: "192.0.2.1"},
			{ID: k.ID, At: noon, Address: "192.0.2.2"},
		}))
		used(t, &k, noon, "192.0.2.2")
		used(t, &never, noon, "192.0.2.9")
		wantSame(t, must(s.APIKeys().Get(ctx, other.ID))(t), other)
	})
	t.Run("an older one and one of the same time are ignored", func(t *testing.T) {
		check(
			t,
			s.APIKeys().
				Used(
					ctx, []domain.APIKeyUse{
						{ID: k.ID, At: noon.Add(-1000), Address: "old"}, {ID: never.ID, At: noon, Address: "same"},
					},
				),
		)
		used(t, &k, noon, "192.0.2.2")
		used(t, &never, noon, "192.0.2.9")
	})
	t.Run("an older one wins over what a clock that was ahead has stored", func(t *testing.T) {
		k := newAPIKey(t, s)
		check(t, s.APIKeys().Used(ctx, []domain.APIKeyUse{{ID: k.ID, At: noon.Add(time.Minute), Address: "ahead"}}))
		check(t, s.APIKeys().Used(ctx, []domain.APIKeyUse{{ID: k.ID, At: noon, Address: "passed over"}}))
		used(t, &k, noon.Add(time.Minute), "ahead")
		right := noon.Add(-time.Microsecond)
		check(t, s.APIKeys().Used(ctx, []domain.APIKeyUse{{ID: k.ID, At: right, Address: "right"}}))
		used(t, &k, right, "right")
	})
	t.Run("of several the newest wins", func(t *testing.T) {
		check(t, s.APIKeys().Used(ctx, []domain.APIKeyUse{
			{ID: k.ID, At: noon.Add(2000), Address: "second"}, {ID: k.ID, At: noon.Add(3000), Address: "third"},
			{ID: k.ID, At: noon.Add(1000), Address: "first"},
		}))
		used(t, &k, noon.Add(3000), "third")
	})
	t.Run("none is nothing", func(t *testing.T) { check(t, s.APIKeys().Used(ctx, nil)) })
}

func testAPIKeyLocks(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("many who store uses in different orders do not stop one another", func(t *testing.T) {
		there, back := make([]domain.APIKeyUse, 20), make([]domain.APIKeyUse, 20)
		for i := range there {
			there[i] = domain.APIKeyUse{ID: newAPIKey(t, s).ID, Address: "192.0.2.1"}
			back[19-i] = there[i]
		}
		_, faults := domaintest.Together(8, func(n int) (struct{}, error) {
			list := slices.Clone([][]domain.APIKeyUse{there, back}[n%2])
			for round := range 5 {
				for i := range list {
					list[i].At = noon.Add(time.Duration(round*8+n) * time.Second)
				}
				if err := s.APIKeys().Used(ctx, list); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
		checkAll(t, faults)
		wantSame(t, must(s.APIKeys().Get(ctx, there[0].ID))(t).LastUsedAt, noon.Add(39*time.Second))
	})
}
