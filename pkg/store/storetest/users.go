package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// sampleUser has a value in every field, and the given roles.
func sampleUser(roles ...domain.Role) domain.User {
	return domain.User{
		Username: fresh("João"), Email: "joao@example.com", FullName: "João da Silva", Superuser: true, Roles: roles,
		Enabled:      true,
		PasswordHash: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA", Generation: 3, Binding: "own", CreatedAt: noon,
		UpdatedAt: noon.Add(time.Second),
	}
}

func newUser(t testing.TB, s domain.Store, roles ...domain.Role) domain.User {
	t.Helper()
	u := sampleUser(roles...)
	check(t, s.Users().Create(t.Context(), &u))
	return u
}

// userRules is the contract of domain.Users.
var userRules = rules{
	{storedForm, testUserForm},
	{missing, testUserMissing},
	{unique, testUserUnique},
	{references, testUserReferences},
	{updates, testUserUpdate},
	{order, testUserOrder},
}

func testUserForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one, two := newRole(t, s), newRole(t, s)
	t.Run("a created user is read back whole, the roles by ascending id", func(t *testing.T) {
		want := newUser(t, s, two, one)
		want.Roles = []domain.Role{one, two}
		wantSame(t, must(s.Users().Get(ctx, want.ID))(t), want)
		plain := domain.User{Username: fresh("plain"), Generation: 1, CreatedAt: noon, UpdatedAt: noon}
		check(t, s.Users().Create(ctx, &plain))
		wantSame(t, must(s.Users().Get(ctx, plain.ID))(t), plain)
	})
	t.Run("a user is found by name regardless of case", func(t *testing.T) {
		want := newUser(t, s, one, two)
		for _, name := range []string{want.Username, strings.ToUpper(want.Username), strings.ToLower(want.Username)} {
			wantSame(t, must(s.Users().Named(ctx, name))(t), want)
		}
	})
}

func testUserMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one := newRole(t, s)
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Users().Get(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.Users().Delete(ctx, id))
		}
		gone := sampleUser(one)
		gone.ID = absent
		wantMissing(t, s.Users().Update(ctx, gone))
	})
	t.Run("a name that nobody has is missing, also one that no database can hold", func(t *testing.T) {
		for _, name := range []string{"", "nobody", "%", "João", "a\x00b", "a\xffb"} {
			_, err := s.Users().Named(ctx, name)
			wantMissing(t, err)
		}
	})
}

func testUserUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken, other := newUser(t, s), newUser(t, s)
		again := sampleUser()
		again.Username = strings.ToUpper(taken.Username)
		wantFault(t, s.Users().Create(ctx, &again), domain.Duplicated, "username", domain.ReasonDuplicated)
		other.Username = again.Username
		wantFault(t, s.Users().Update(ctx, other), domain.Duplicated, "username", domain.ReasonDuplicated)
	})
}

func testUserReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one := newRole(t, s)
	t.Run("a role that does not exist is not found, and leaves no user", func(t *testing.T) {
		u := sampleUser(one, domain.Role{ID: absent})
		wantFault(t, s.Users().Create(ctx, &u), domain.NotFound, "roles", domain.ReasonNotFound)
		_, err := s.Users().Named(ctx, u.Username)
		wantMissing(t, err)
		there := newUser(t, s, one)
		asked := there
		asked.Roles = u.Roles
		wantFault(t, s.Users().Update(ctx, asked), domain.NotFound, "roles", domain.ReasonNotFound)
		wantSame(t, must(s.Users().Get(ctx, there.ID))(t), there)
	})
	t.Run("deletion takes the assignments along, not the roles", func(t *testing.T) {
		role := newRole(t, s)
		gone := newUser(t, s, one, role)
		check(t, s.Users().Delete(ctx, gone.ID))
		_, err := s.Users().Named(ctx, gone.Username)
		wantMissing(t, err)
		check(t, s.Roles().Delete(ctx, role.ID))
		wantSame(t, must(s.Roles().Get(ctx, one.ID))(t), one)
	})
}

func testUserUpdate(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one, two := newRole(t, s), newRole(t, s)
	t.Run("an update replaces everything but the creation", func(t *testing.T) {
		u := newUser(t, s, one)
		want := domain.User{
			ID: u.ID, Username: fresh("renamed"), Roles: []domain.Role{two}, PasswordHash: "other", Generation: 4,
			Binding: "another", CreatedAt: noon, UpdatedAt: noon.Add(time.Hour),
		}
		asked := want
		asked.CreatedAt = noon.Add(time.Hour)
		check(t, s.Users().Update(ctx, asked))
		wantSame(t, must(s.Users().Get(ctx, u.ID))(t), want)
		wantSame(t, must(s.Users().Named(ctx, want.Username))(t), want)
		_, err := s.Users().Named(ctx, u.Username)
		wantMissing(t, err)
	})
	t.Run("a hash is replaced only while it is the one before", func(t *testing.T) {
		want, other := newUser(t, s), newUser(t, s)
		before := want.PasswordHash
		check(t, s.Users().Rehash(ctx, want.ID, before, "new"))
		check(t, s.Users().Rehash(ctx, want.ID, before, "newer"))
		check(t, s.Users().Rehash(ctx, absent, before, "newer"))
		want.PasswordHash = "new"
		wantSame(t, must(s.Users().Get(ctx, want.ID))(t), want)
		wantSame(t, must(s.Users().Get(ctx, other.ID))(t), other)
	})
}

func testUserOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("pages carry the roles of each", func(t *testing.T) {
		var ids []int64
		for _, u := range must(s.Users().Page(ctx, domain.PageRequest{Size: 100}))(t).Items {
			ids = append(ids, u.ID)
			wantSame(t, u, must(s.Users().Get(ctx, u.ID))(t))
		}
		walk(t, s.Users().Page, ids, 3)
	})
}
