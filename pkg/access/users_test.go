package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	one, two := w.NewRole(t, Read(domain.ScopeCAs)), w.NewRole(t, Write(domain.ScopeCAs))
	asked := domain.User{Username: "Ana", Email: "ana@example.com", FullName: "Ana Souza", Enabled: true}
	want := asked
	want.ID, want.Generation, want.CreatedAt, want.UpdatedAt, want.Roles = 1, 1, Noon, Noon, []domain.Role{one, two}
	// wantUser compares everything but the hash, which it checks by the password.
	wantUser := func(got domain.User, password domain.Secret) {
		t.Helper()
		stored := Must(w.Users.Get(t.Context(), want.ID))(t)
		WantSame(t, string(stored.PasswordHash), string(got.PasswordHash))
		if ok, outdated := auth.CheckPassword(got.PasswordHash, password); !ok || outdated {
			t.Errorf("the hash is %q", string(got.PasswordHash))
		}
		if got.Binding == "" || got.Binding == want.Binding || got.Binding != stored.Binding {
			t.Errorf("the binding is %q, and was %q", got.Binding, want.Binding)
		}
		want.Binding = got.Binding
		got.PasswordHash, stored.PasswordHash = "", ""
		WantSame(t, got, want)
		WantSame(t, stored, want)
	}
	wantUser(Must(w.Users.Create(Operator(t), asked, "primeira frase", []int64{two.ID, one.ID}))(t), "primeira frase")
	w.Clock.Pass(time.Hour)
	want.UpdatedAt, want.Generation = w.Clock.Now(), 2
	want.Email, want.FullName, want.Superuser, want.Enabled, want.Roles = "", "", true, false, nil
	wantUser(Must(w.Users.Update(Operator(t), want.ID, domain.UserUpdate{
		Username: new("Ana"), Email: new(""), FullName: new(""), Superuser: new(true), Enabled: new(false),
		Roles: []int64{}, Password: new(domain.Secret("segunda frase ✓")),
	}))(t), "segunda frase ✓")

	other := w.NewUser(t, super)
	WantSame(
		t, Must(w.Users.Page(t.Context(), domain.PageRequest{Size: 1, Cursor: want.ID}))(t).Items, []domain.User{other},
	)
	Check(t, w.Users.Delete(Operator(t), want.ID))
	_, err := w.Users.Get(t.Context(), want.ID)
	WantFaults(t, err, missing)
}

func TestUsers_Update_Unchanged(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	one, two := w.NewRole(t, Read(domain.ScopeCAs)), w.NewRole(t, Write(domain.ScopeCAs))
	bare, full := w.NewUser(t), w.NewUser(t, func(u *domain.User) { u.Roles = []domain.Role{one, two} })
	before := w.CountEvents(t)
	w.Clock.Pass(time.Hour)
	for sentence, test := range map[string]struct {
		user   domain.User
		update domain.UserUpdate
	}{
		"nothing": {full, domain.UserUpdate{}},
		"everything": {
			full, domain.UserUpdate{
				Username: &full.Username, Email: &full.Email, FullName: &full.FullName, Superuser: new(false),
				Enabled: new(true), Roles: []int64{one.ID, two.ID},
			},
		},
		"the roles in another order":    {full, domain.UserUpdate{Roles: []int64{two.ID, one.ID}}},
		"no roles where there are none": {bare, domain.UserUpdate{Roles: []int64{}}},
	} {
		t.Run(sentence, func(t *testing.T) {
			WantSame(t, Must(w.Users.Update(Operator(t), test.user.ID, test.update))(t), test.user)
			WantSame(t, Must(w.Users.Get(t.Context(), test.user.ID))(t), test.user)
		})
	}
	WantSame(t, w.CountEvents(t), before)
}

func TestUsers_Faults(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	role, present := w.NewRole(t), w.NewUser(t)
	before := w.CountEvents(t)
	for _, test := range []struct {
		sentence string
		user     domain.User
		password domain.Secret
		roles    []int64
		want     []Fault
	}{
		{
			"nothing at all", domain.User{}, "", nil, []Fault{
				NewFault(domain.Required, "username", domain.ReasonRequired),
				NewFault(domain.Required, "password", domain.ReasonRequired),
			},
		},
		{"everything wrong", domain.User{Username: strings.Repeat("a", 256), Email: "nobody", FullName: "a\nb"},
			"sete 77", []int64{role.ID, role.ID}, []Fault{
				NewFault(domain.Invalid, "username", domain.ReasonTooLong),
				NewFault(domain.Invalid, "email", domain.ReasonEmail),
				NewFault(domain.Invalid, "fullname", domain.ReasonControl),
				NewFault(domain.Invalid, "password", domain.ReasonTooShort),
				NewFault(domain.Duplicated, "roles[1]", domain.ReasonTwice),
			}},
		{
			"a long password", domain.User{Username: "a"}, domain.Secret(strings.Repeat("é", 1025)), nil,
			[]Fault{NewFault(domain.Invalid, "password", domain.ReasonTooLong)},
		},
		{
			"roles that there are not", domain.User{Username: "a"}, Password, []int64{role.ID, absent},
			[]Fault{NewFault(domain.NotFound, "roles[1]", domain.ReasonNotFound)},
		},
		{
			"a name that is taken, in other case", domain.User{Username: strings.ToUpper(present.Username)}, Password,
			nil, []Fault{NewFault(domain.Duplicated, "username", domain.ReasonDuplicated)},
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			_, err := w.Users.Create(Operator(t), test.user, test.password, test.roles)
			WantFaults(t, err, test.want...)
		})
	}
	t.Run("an update tells all faults", func(t *testing.T) {
		_, err := w.Users.Update(Operator(t), present.ID, domain.UserUpdate{
			Username: new("another"), Email: new("nobody"), Password: new(domain.Secret("sete 77")),
			Roles: []int64{7, 7},
		})
		WantFaults(t, err, NewFault(domain.Invalid, "username", domain.ReasonNotEditable),
			NewFault(domain.Invalid, "email", domain.ReasonEmail),
			NewFault(domain.Invalid, "password", domain.ReasonTooShort),
			NewFault(domain.Duplicated, "roles[1]", domain.ReasonTwice))
		_, err = w.Users.Update(Operator(t), present.ID, domain.UserUpdate{Roles: []int64{absent}})
		WantFaults(t, err, NewFault(domain.NotFound, "roles[0]", domain.ReasonNotFound))
	})
	t.Run("a user who does not exist", func(t *testing.T) {
		_, err := w.Users.Get(t.Context(), absent)
		WantFaults(t, err, missing)
		_, err = w.Users.Update(Operator(t), absent, domain.UserUpdate{})
		WantFaults(t, err, missing)
		WantFaults(t, w.Users.Delete(Operator(t), absent), missing)
	})
	WantSame(t, Must(w.Users.Page(t.Context(), domain.PageRequest{Size: 10}))(t).Items, []domain.User{present})
	WantSame(t, w.CountEvents(t), before)
}
