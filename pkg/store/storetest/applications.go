package storetest

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func newApplication(t testing.TB, s domain.Store) domain.Application {
	t.Helper()
	a := domain.Application{
		Name: fresh("Aplicação"), Description: "two\nlines", Method: domain.AuthOAuth1, Enabled: true,
		Passing:   "passing",
		CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
	check(t, s.Applications().Create(t.Context(), &a))
	return a
}

// sampleAuthorization has a value in every field.
func sampleAuthorization(a domain.Application) domain.PAMAuthorization {
	return domain.PAMAuthorization{
		Application: a, ApplicationID: a.ID, Name: fresh("Autorização"), Enabled: true, Write: true,
		Resources: []domain.PAMResource{domain.PAMCore, "A2A"},
		ExpiresAt: noon.AddDate(1, 0, 0), AllowedIPs: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128"),
		},
		Referrers: []string{"https://intranet/a b", "é"}, Devices: []int64{7, 3}, Fingerprint: strings.Repeat("0f", 32),
		Key: fresh("key"), Token: fresh("token"),
		Secrets: domain.PAMSecrets{Present: []byte{0, 1, 0xff}, Previous: []byte{2}}, Generation: 3,
		PreviousUntil: noon.Add(time.Hour),
		Binding:       domain.Binding{Own: "own", Before: "before", Passing: "its passing"},
		CreatedAt:     noon, UpdatedAt: noon.Add(time.Second),
	}
}

func newAuthorization(t testing.TB, s domain.Store, a domain.Application) domain.PAMAuthorization {
	t.Helper()
	z := sampleAuthorization(a)
	check(t, s.PAMAuthorizations().Create(t.Context(), &z))
	return z
}

// applicationRules is the contract of domain.Applications.
var applicationRules = rules{
	{storedForm, testApplicationForm},
	{missing, testApplicationMissing},
	{unique, testApplicationUnique},
	{updates, testApplicationUpdates},
	{references, testApplicationReferences},
	{order, testApplicationOrder},
}

func testApplicationForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an application is read back whole", func(t *testing.T) {
		one := newApplication(t, s)
		wantSame(t, must(s.Applications().Get(ctx, one.ID))(t), one)
		one.Name, one.Description, one.Enabled, one.Passing, one.UpdatedAt = fresh("other"), "", false, "other",
			noon.Add(time.Hour)
		check(t, s.Applications().Update(ctx, one))
		wantSame(t, must(s.Applications().Get(ctx, one.ID))(t), one)
	})
}

func testApplicationMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		_, err := s.Applications().Get(ctx, absent)
		wantMissing(t, err)
		wantMissing(t, s.Applications().Update(ctx, domain.Application{ID: absent, Name: fresh("x")}))
		wantMissing(t, s.Applications().Delete(ctx, absent))
	})
}

func testApplicationUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken, other := newApplication(t, s), newApplication(t, s)
		other.Name = strings.ToUpper(taken.Name)
		again := domain.Application{Name: other.Name, CreatedAt: noon, UpdatedAt: noon}
		wantFault(t, s.Applications().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
		wantFault(t, s.Applications().Update(ctx, other), domain.Duplicated, "name", domain.ReasonDuplicated)
	})
}

func testApplicationUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the method never changes", func(t *testing.T) {
		one := newApplication(t, s)
		other := one
		other.Method = domain.AuthUnsigned
		check(t, s.Applications().Update(ctx, other))
		wantSame(t, must(s.Applications().Get(ctx, one.ID))(t), one)
	})
}

func testApplicationReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("one that has authorizations stays", func(t *testing.T) {
		one := newApplication(t, s)
		z := newAuthorization(t, s, one)
		wantFault(t, s.Applications().Delete(ctx, one.ID), domain.Rule, "id", domain.ReasonInUse)
		check(t, s.PAMAuthorizations().Delete(ctx, z.ID))
		check(t, s.Applications().Delete(ctx, one.ID))
		_, err := s.Applications().Get(ctx, one.ID)
		wantMissing(t, err)
	})
}

func testApplicationOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("pages are by ascending id", func(t *testing.T) {
		walk(t, s.Applications().Page, pageIDs(must(s.Applications().Page(ctx, domain.PageRequest{Size: 100}))(t)), 2)
	})
}

// authorizationRules is the contract of domain.PAMAuthorizations.
var authorizationRules = rules{
	{storedForm, testAuthorizationForm},
	{missing, testAuthorizationMissing},
	{unique, testAuthorizationUnique},
	{updates, testAuthorizationUpdates},
	{order, testAuthorizationOrder},
}

func testAuthorizationForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	app := newApplication(t, s)
	t.Run("an authorization is read back whole, by id and by key", func(t *testing.T) {
		want := newAuthorization(t, s, app)
		wantSame(t, must(s.PAMAuthorizations().Get(ctx, want.ID))(t), want)
		wantSame(t, must(s.PAMAuthorizations().Keyed(ctx, want.Key))(t), want)
		plain := domain.PAMAuthorization{
			Application: app, ApplicationID: app.ID, Name: fresh("plain"), Key: fresh("key"),
			Secrets: domain.PAMSecrets{Present: []byte{1}}, CreatedAt: noon, UpdatedAt: noon,
		}
		check(t, s.PAMAuthorizations().Create(ctx, &plain))
		got := must(s.PAMAuthorizations().Get(ctx, plain.ID))(t)
		wantSame(t, len(got.Resources)+len(got.Referrers)+len(got.Devices)+len(got.Secrets.Previous), 0)
		got.Resources, got.Referrers, got.Devices, got.Secrets.Previous = nil, nil, nil, nil
		wantSame(t, got, plain)
	})
}

func testAuthorizationMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	app := newApplication(t, s)
	t.Run("what does not exist is missing, also a key that no database can hold", func(t *testing.T) {
		_, err := s.PAMAuthorizations().Get(ctx, absent)
		wantMissing(t, err)
		for _, key := range []string{"", "nobody", "a\x00", "\xff"} {
			_, err := s.PAMAuthorizations().Keyed(ctx, key)
			wantMissing(t, err)
		}
		wantMissing(t, s.PAMAuthorizations().Delete(ctx, absent))
		gone := sampleAuthorization(app)
		gone.ID = absent
		wantMissing(t, s.PAMAuthorizations().Update(ctx, gone))
	})
}

func testAuthorizationUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	app, other := newApplication(t, s), newApplication(t, s)
	t.Run("a key is taken as it is", func(t *testing.T) {
		want := newAuthorization(t, s, app)
		_, err := s.PAMAuthorizations().Keyed(ctx, strings.ToUpper(want.Key))
		wantMissing(t, err)
		again := sampleAuthorization(app)
		again.Key = want.Key
		wantFault(t, s.PAMAuthorizations().Create(ctx, &again), domain.Duplicated, "key", domain.ReasonDuplicated)
	})
	t.Run("a name is taken regardless of case, within its application", func(t *testing.T) {
		taken := newAuthorization(t, s, app)
		again := sampleAuthorization(app)
		again.Name = strings.ToUpper(taken.Name)
		wantFault(t, s.PAMAuthorizations().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
		again.Application, again.ApplicationID = other, other.ID
		check(t, s.PAMAuthorizations().Create(ctx, &again))
		again.ID, again.ApplicationID, again.Key = 0, absent, fresh("key")
		wantFault(
			t, s.PAMAuthorizations().Create(ctx, &again), domain.NotFound, "application_id", domain.ReasonNotFound,
		)
	})
}

func testAuthorizationUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	app, other := newApplication(t, s), newApplication(t, s)
	t.Run("an update changes all but the application", func(t *testing.T) {
		before := newAuthorization(t, s, app)
		want := sampleAuthorization(app)
		want.ID, want.Enabled, want.Write, want.Resources, want.AllowedIPs, want.Referrers = before.ID, false, false,
			[]domain.PAMResource{"Users"}, nil, []string{"b"}
		want.Devices, want.Fingerprint = []int64{5}, "ef"
		want.ExpiresAt, want.PreviousUntil, want.Generation, want.Secrets.Previous = time.Time{}, time.Time{}, 4,
			[]byte{9}
		sent := want
		sent.ApplicationID = other.ID
		check(t, s.PAMAuthorizations().Update(ctx, sent))
		wantSame(t, must(s.PAMAuthorizations().Get(ctx, want.ID))(t), want)
	})
	t.Run("a change of the application is seen", func(t *testing.T) {
		z := newAuthorization(t, s, other)
		other.Enabled = false
		check(t, s.Applications().Update(ctx, other))
		wantSame(t, must(s.PAMAuthorizations().Keyed(ctx, z.Key))(t).Application, other)
	})
}

func testAuthorizationOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	app, other := newApplication(t, s), newApplication(t, s)
	t.Run("pages are by ascending id, of one application or of all", func(t *testing.T) {
		for _, id := range []int64{0, app.ID, other.ID, absent} {
			var ids []int64
			for _, z := range must(s.PAMAuthorizations().Page(ctx, 0, domain.PageRequest{Size: 100}))(t).Items {
				if id == 0 || z.ApplicationID == id {
					ids = append(ids, z.ID)
				}
			}
			walk(t, func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.PAMAuthorization], error) {
				return s.PAMAuthorizations().Page(ctx, id, req)
			}, ids, 2)
		}
	})
}
