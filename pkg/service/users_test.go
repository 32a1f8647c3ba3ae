package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newRole(t, read(domain.ScopeCAs)), w.newRole(t, write(domain.ScopeCAs))
	asked := domain.User{Username: "Ana", Email: "ana@example.com", FullName: "Ana Souza", Enabled: true}
	want := asked
	want.ID, want.Generation, want.CreatedAt, want.UpdatedAt, want.Roles = 1, 1, noon, noon, []domain.Role{one, two}
	// wantUser compares everything but the hash, which is of the password.
	wantUser := func(got domain.User, password domain.Secret) {
		t.Helper()
		stored := must(w.Users.Get(t.Context(), want.ID))(t)
		wantSame(t, string(stored.PasswordHash), string(got.PasswordHash))
		if ok, outdated := auth.CheckPassword(got.PasswordHash, password); !ok || outdated {
			t.Errorf("the hash is %q", string(got.PasswordHash))
		}
		if got.Binding == "" || got.Binding == want.Binding || got.Binding != stored.Binding {
			t.Errorf("the binding is %q, and was %q", got.Binding, want.Binding)
		}
		want.Binding = got.Binding
		got.PasswordHash, stored.PasswordHash = "", ""
		wantSame(t, got, want)
		wantSame(t, stored, want)
	}
	wantUser(must(w.Users.Create(operator(t), asked, "primeira frase", []int64{two.ID, one.ID}))(t), "primeira frase")
	w.clock.pass(time.Hour)
	want.UpdatedAt, want.Generation = w.clock.Now(), 2
	want.Email, want.FullName, want.Superuser, want.Enabled, want.Roles = "", "", true, false, nil
	wantUser(must(w.Users.Update(operator(t), want.ID, domain.UserUpdate{
		Username: new("Ana"), Email: new(""), FullName: new(""), Superuser: new(true), Enabled: new(false), Roles: []int64{}, Password: new(domain.Secret("segunda frase ✓")),
	}))(t), "segunda frase ✓")

	other := w.newUser(t, super)
	wantSame(t, must(w.Users.Page(t.Context(), domain.PageRequest{Size: 1, Cursor: want.ID}))(t).Items, []domain.User{other})
	check(t, w.Users.Delete(operator(t), want.ID))
	_, err := w.Users.Get(t.Context(), want.ID)
	wantFaults(t, err, missing)
}

func TestUsers_Update_Unchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newRole(t, read(domain.ScopeCAs)), w.newRole(t, write(domain.ScopeCAs))
	bare, full := w.newUser(t), w.newUser(t, func(u *domain.User) { u.Roles = []domain.Role{one, two} })
	before := w.countEvents(t)
	w.clock.pass(time.Hour)
	for sentence, test := range map[string]struct {
		user   domain.User
		update domain.UserUpdate
	}{
		"nothing":                       {full, domain.UserUpdate{}},
		"everything":                    {full, domain.UserUpdate{Username: &full.Username, Email: &full.Email, FullName: &full.FullName, Superuser: new(false), Enabled: new(true), Roles: []int64{one.ID, two.ID}}},
		"the roles in another order":    {full, domain.UserUpdate{Roles: []int64{two.ID, one.ID}}},
		"no roles where there are none": {bare, domain.UserUpdate{Roles: []int64{}}},
	} {
		t.Run(sentence, func(t *testing.T) {
			wantSame(t, must(w.Users.Update(operator(t), test.user.ID, test.update))(t), test.user)
			wantSame(t, must(w.Users.Get(t.Context(), test.user.ID))(t), test.user)
		})
	}
	wantSame(t, w.countEvents(t), before)
}

func TestUsers_Faults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role, present := w.newRole(t), w.newUser(t)
	before := w.countEvents(t)
	for _, test := range []struct {
		sentence string
		user     domain.User
		password domain.Secret
		roles    []int64
		want     []fault
	}{
		{"nothing at all", domain.User{}, "", nil, []fault{{domain.Required, "username", domain.ReasonRequired}, {domain.Required, "password", domain.ReasonRequired}}},
		{"everything wrong", domain.User{Username: strings.Repeat("a", 256), Email: "nobody", FullName: "a\nb"}, "sete 77", []int64{role.ID, role.ID}, []fault{
			{domain.Invalid, "username", domain.ReasonTooLong}, {domain.Invalid, "email", domain.ReasonEmail}, {domain.Invalid, "fullname", domain.ReasonControl},
			{domain.Invalid, "password", domain.ReasonTooShort}, {domain.Duplicated, "roles[1]", domain.ReasonTwice},
		}},
		{"a long password", domain.User{Username: "a"}, domain.Secret(strings.Repeat("é", 1025)), nil, []fault{{domain.Invalid, "password", domain.ReasonTooLong}}},
		{"roles that there are not", domain.User{Username: "a"}, password, []int64{role.ID, absent}, []fault{{domain.NotFound, "roles[1]", domain.ReasonNotFound}}},
		{"a name that is taken, in other case", domain.User{Username: strings.ToUpper(present.Username)}, password, nil, []fault{{domain.Duplicated, "username", domain.ReasonDuplicated}}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			_, err := w.Users.Create(operator(t), test.user, test.password, test.roles)
			wantFaults(t, err, test.want...)
		})
	}
	t.Run("an update tells all faults", func(t *testing.T) {
		_, err := w.Users.Update(operator(t), present.ID, domain.UserUpdate{
			Username: new("another"), Email: new("nobody"), Password: new(domain.Secret("sete 77")), Roles: []int64{7, 7},
		})
		wantFaults(t, err, fault{domain.Invalid, "username", domain.ReasonNotEditable}, fault{domain.Invalid, "email", domain.ReasonEmail},
			fault{domain.Invalid, "password", domain.ReasonTooShort}, fault{domain.Duplicated, "roles[1]", domain.ReasonTwice})
		_, err = w.Users.Update(operator(t), present.ID, domain.UserUpdate{Roles: []int64{absent}})
		wantFaults(t, err, fault{domain.NotFound, "roles[0]", domain.ReasonNotFound})
	})
	t.Run("a user who is not there", func(t *testing.T) {
		_, err := w.Users.Get(t.Context(), absent)
		wantFaults(t, err, missing)
		_, err = w.Users.Update(operator(t), absent, domain.UserUpdate{})
		wantFaults(t, err, missing)
		wantFaults(t, w.Users.Delete(operator(t), absent), missing)
	})
	wantSame(t, must(w.Users.Page(t.Context(), domain.PageRequest{Size: 10}))(t).Items, []domain.User{present})
	wantSame(t, w.countEvents(t), before)
}
