package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestUsers_Profile(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	one, two := w.NewRole(t, Read(domain.ScopeCAs), Read(domain.ScopeUsers)), w.NewRole(t, Write(domain.ScopeCAs))
	user := w.NewUser(t, func(u *domain.User) { u.Roles = []domain.Role{one, two} })
	key := Must(
		w.APIKeys.Create(
			Operator(t), domain.APIKey{Name: "key", Description: "what for", Enabled: true}, []int64{two.ID},
		),
	)(t)
	root := w.NewAPIKey(t)
	for sentence, test := range map[string]struct {
		holder domain.Holder
		want   access.Profile
	}{
		"a user has what all roles grant": {user.Holder(),
			access.Profile{Kind: domain.PrincipalUser, User: user, Scopes: []domain.Permission{
				Read(domain.ScopeUsers), {Scope: domain.ScopeCAs, Read: true, Write: true},
			}}},
		"an apikey says it in the same words": {key.Holder(),
			access.Profile{Kind: domain.PrincipalAPIKey, Scopes: []domain.Permission{Write(domain.ScopeCAs)},
				User: domain.User{
					ID: key.ID, Username: "key", FullName: "what for", Enabled: true, Roles: []domain.Role{two},
				}}},
		"a superuser may everything": {root.Holder(),
			access.Profile{Kind: domain.PrincipalAPIKey, Scopes: domain.Scopes(), User: domain.User{
				ID: root.ID, Username: root.Name, Superuser: true, Enabled: true,
			}}},
	} {
		t.Run(sentence, func(t *testing.T) {
			WantSame(t, Must(w.Users.Profile(domain.WithPrincipal(t.Context(), test.holder.Principal())))(t), test.want)
		})
	}
}

// profileOwner is a user who changes the own profile.
type profileOwner struct {
	w       *World
	role    domain.Role // the only one of the user
	user    domain.User // as it should be stored
	session access.Session
}

func (o *profileOwner) stored(t *testing.T) domain.User {
	t.Helper()
	return Must(o.w.Users.Get(t.Context(), o.user.ID))(t)
}

func TestUsers_UpdateProfile(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	role := w.NewRole(t, Read(domain.ScopeCAs))
	user := w.NewUser(t, func(u *domain.User) { u.Roles = []domain.Role{role} })
	o := &profileOwner{w, role, user, w.SignIn(t, user)}
	w.Clock.Pass(time.Minute)
	t.Run("one's own address and name", o.testOwnAddress)
	t.Run("what is wrong changes nothing", o.testWrongProfiles)
	t.Run("what is as it was leaves no event", o.testSameProfile)
	t.Run("a new password ends the sessions and begins one", o.testNewPassword)
	t.Run("a password that somebody else has changed meanwhile stays theirs", o.testPasswordRace)
	t.Run("guesses of the present password are as few as those at the door", o.testProfileGuesses)
	t.Run("an apikey has no profile to change", o.testProfileOfAPIKey)
	t.Run("a caller who is gone is not known any more", o.testProfileOfNobody)
}

func (o *profileOwner) testOwnAddress(t *testing.T) {
	profile, next, err := o.w.Users.UpdateProfile(
		AsUser(t, o.user), access.ProfileUpdate{Email: new("novo@example.com"), FullName: new("Outro Nome")},
	)
	Check(t, err)
	o.user.Email, o.user.FullName, o.user.UpdatedAt = "novo@example.com", "Outro Nome", o.w.Clock.Now()
	WantSame(t, profile, access.Profile{Kind: domain.PrincipalUser, User: o.user, Scopes: o.role.Scopes})
	WantSame(t, o.stored(t), o.user)
	if next != nil {
		t.Error("a session came back")
	}
	o.w.Authenticate(t, o.session.Refresh)
}

func (o *profileOwner) testWrongProfiles(t *testing.T) {
	good, before := new(domain.Secret("outra senha boa")), o.w.CountEvents(t)
	for sentence, test := range map[string]struct {
		update access.ProfileUpdate
		want   []Fault
	}{
		"no present password": {
			access.ProfileUpdate{Password: good}, []Fault{
				NewFault(domain.Required, "current_password", domain.ReasonRequired),
			},
		},
		"an empty one": {
			access.ProfileUpdate{Password: good, Current: new(domain.Secret)},
			[]Fault{NewFault(domain.Required, "current_password", domain.ReasonRequired)},
		},
		"another one": {
			access.ProfileUpdate{Password: good, Current: good},
			[]Fault{NewFault(domain.Invalid, "current_password", domain.ReasonPassword)},
		},
		"a short one": {
			access.ProfileUpdate{Password: new(domain.Secret("sete 77")), Current: new(Password)},
			[]Fault{NewFault(domain.Invalid, "password", domain.ReasonTooShort)},
		},
		"no password": {
			access.ProfileUpdate{Password: new(domain.Secret)},
			[]Fault{
				NewFault(domain.Required, "current_password", domain.ReasonRequired),
				NewFault(domain.Required, "password", domain.ReasonRequired),
			},
		},
		"a bad address": {
			access.ProfileUpdate{Email: new("nobody")}, []Fault{
				NewFault(domain.Invalid, "email", domain.ReasonEmail),
			},
		},
		"a bad address beside all": {
			access.ProfileUpdate{Email: new("nobody"), Password: good, Current: new(Password)},
			[]Fault{NewFault(domain.Invalid, "email", domain.ReasonEmail)},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, next, err := o.w.Users.UpdateProfile(AsUser(t, o.user), test.update)
			WantFaults(t, err, test.want...)
			WantSame(t, o.stored(t), o.user)
			if next != nil {
				t.Error("a session came back")
			}
		})
	}
	o.w.Authenticate(t, o.session.Refresh)
	events := o.w.Events(t)[before:]
	WantSame(t, len(events), 1) // the event of the wrong password
	WantEvent(t, events[0], domain.Event{
		ActorKind: domain.PrincipalUser, ActorID: o.user.ID, ActorName: o.user.Username, Action: domain.ActionAccess,
		Refused:  true,
		Resource: domain.ResourceTokens, ResourceID: o.user.ID,
		After: `{"cause":"current_password: wrong password","field":"current_password"}`,
	})
}

func (o *profileOwner) testSameProfile(t *testing.T) {
	before := o.w.CountEvents(t)
	for _, update := range []access.ProfileUpdate{
		{}, {Email: &o.user.Email, FullName: &o.user.FullName}, {Current: new(Password)},
	} {
		_, _, err := o.w.Users.UpdateProfile(AsUser(t, o.user), update)
		Check(t, err)
	}
	WantSame(t, o.stored(t), o.user)
	WantSame(t, o.w.CountEvents(t), before)
}

func (o *profileOwner) testNewPassword(t *testing.T) {
	profile, next, err := o.w.Users.UpdateProfile(
		AsUser(t, o.user), access.ProfileUpdate{
			Password: new(domain.Secret("outra senha boa")), Current: new(Password),
		},
	)
	Check(t, err)
	o.user.Generation, o.user.PasswordHash, o.user.Binding = 2, profile.User.PasswordHash, profile.User.Binding
	WantSame(t, profile.User, o.user)
	WantSame(t, o.stored(t), o.user)
	WantOut(t, o.w, o.session.Refresh)
	WantOut(t, o.w, o.session.Access.Token)
	for _, token := range []domain.Secret{
		next.Refresh, next.Access.Token, Must(o.w.Login.Password(t.Context(), o.user.Username, "outra senha boa"))(t).
			Refresh,
	} {
		WantSame(t, o.w.Authenticate(t, token), o.user.Holder().Principal())
	}
	_, err = o.w.Login.Password(t.Context(), o.user.Username, Password)
	WantFaults(t, err, Unauthenticated)
}

func (o *profileOwner) testPasswordRace(t *testing.T) {
	w := o.w
	victim := w.NewUser(t)
	slow := w.With(t, func(s *service.Settings) {
		s.Store = &Hooked{Store: w.Store, BeforeTransact: func() {
			Must(
				w.Users.Update(
					Operator(t), victim.ID, domain.UserUpdate{Password: new(domain.Secret("de outra pessoa"))},
				),
			)(t)
		}}
	})
	_, _, err := slow.Users.UpdateProfile(
		AsUser(t, victim), access.ProfileUpdate{
			Password: new(domain.Secret("outra senha boa")), Current: new(Password),
		},
	)
	WantFaults(t, err, Unauthenticated)
	Must(w.Login.Password(t.Context(), victim.Username, "de outra pessoa"))(t)
}

func (o *profileOwner) testProfileGuesses(t *testing.T) {
	w := o.w
	victim := w.NewUser(t, cheaply)
	wrong := access.ProfileUpdate{
		Password: new(domain.Secret("outra senha boa")), Current: new(domain.Secret("errada")),
	}
	for range 10 {
		_, _, err := w.Users.UpdateProfile(AsUser(t, victim), wrong)
		WantFaults(t, err, NewFault(domain.Invalid, "current_password", domain.ReasonPassword))
	}
	_, _, err := w.Users.UpdateProfile(AsUser(t, victim), wrong)
	WantFaults(t, err, tooManyAttempts)
	WantFaults(t, guess(t.Context(), w, victim.Username), tooManyAttempts)
}

func (o *profileOwner) testProfileOfAPIKey(t *testing.T) {
	w := o.w
	key := w.NewAPIKey(t)
	for _, ctx := range []context.Context{
		domain.WithPrincipal(t.Context(), key.Holder().Principal()), Operator(t), t.Context(),
	} {
		_, _, err := w.Users.UpdateProfile(ctx, access.ProfileUpdate{Email: new("a@example.com")})
		WantFaults(t, err, NewFault(domain.Forbidden, "authorization", domain.ReasonForbidden))
	}
}

func (o *profileOwner) testProfileOfNobody(t *testing.T) {
	Check(t, o.w.Users.Delete(Operator(t), o.user.ID))
	for _, update := range []access.ProfileUpdate{
		{Email: new("a@example.com")}, {Password: new(domain.Secret("outra senha boa")), Current: new(Password)},
	} {
		_, _, err := o.w.Users.UpdateProfile(AsUser(t, o.user), update)
		WantFaults(t, err, Unauthenticated)
	}
	_, err := o.w.Users.Profile(AsUser(t, o.user))
	WantFaults(t, err, Unauthenticated)
}
