package access_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

var missing = NewFault(domain.Missing, "id", domain.ReasonNotFound)

const absent = 1 << 40

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	one, two := w.NewRole(t, Read(domain.ScopeCAs)), w.NewRole(t, Write(domain.ScopeCAs))
	asked := domain.APIKey{
		Name: "Integração", Description: "two\nlines", Enabled: true, ExpiresAt: Noon.Add(Day), RateLimit: 600,
		AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
	}
	want := asked
	want.ID, want.Generation, want.CreatedAt, want.UpdatedAt, want.Roles = 1, 1, Noon, Noon, []domain.Role{one, two}
	wantKey := func(got access.IssuedKey) {
		t.Helper()
		WantSame(t, got.APIKey, want)
		WantSame(t, Must(w.APIKeys.Get(Operator(t), want.ID))(t), got)
	}
	wantKey(Must(w.APIKeys.Create(Operator(t), asked, []int64{two.ID, one.ID}))(t))
	w.Clock.Pass(time.Hour)
	want.UpdatedAt = w.Clock.Now()

	token := Must(w.APIKeys.Get(Operator(t), want.ID))(t).Token
	want.Name, want.Description, want.Superuser, want.Enabled, want.RateLimit = "INTEGRAÇÃO", "", true, false, 7
	want.ExpiresAt, want.AllowedIPs, want.Roles = Noon.Add(2*Day),
		[]netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}, []domain.Role{two}
	wantKey(Must(w.APIKeys.Update(Operator(t), want.ID, domain.APIKeyUpdate{
		Name: &want.Name, Description: new(""), Superuser: new(true), Enabled: new(false), RateLimit: new(7),
		ExpiresAt:  &want.ExpiresAt,
		AllowedIPs: want.AllowedIPs, Roles: []int64{two.ID},
	}))(t))
	want.RateLimit, want.ExpiresAt, want.AllowedIPs, want.Roles = 0, time.Time{}, nil, nil
	got := Must(w.APIKeys.Update(Operator(t), want.ID, domain.APIKeyUpdate{
		RateLimit: new(0), ExpiresAt: new(time.Time{}), AllowedIPs: []netip.Prefix{}, Roles: []int64{},
	}))(t)
	WantSame(t, got.Token, token)
	got.AllowedIPs = nil
	wantKey(got)

	w.Clock.Pass(time.Hour)
	want.UpdatedAt, want.Generation, want.PreviousUntil = w.Clock.Now(), 2, w.Clock.Now().Add(domain.DefaultOverlap)
	wantKey(Must(w.APIKeys.Rotate(Operator(t), want.ID, domain.DefaultOverlap))(t))
	want.Generation, want.PreviousUntil = 3, time.Time{}
	wantKey(Must(w.APIKeys.Rotate(Operator(t), want.ID, 0))(t))

	other := w.NewAPIKey(t)
	WantSame(t, Must(w.APIKeys.Page(Operator(t), domain.PageRequest{Size: 10}))(t), domain.Page[access.IssuedKey]{
		Items: []access.IssuedKey{Must(w.APIKeys.Get(Operator(t), want.ID))(t), other},
	})
	Check(t, w.APIKeys.Delete(Operator(t), want.ID))
	_, err := w.APIKeys.Get(Operator(t), want.ID)
	WantFaults(t, err, missing)
}

// TestAPIKeys_Update_Unchanged: an update with the present values changes nothing and leaves no
// event.
func TestAPIKeys_Update_Unchanged(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	one, two := w.NewRole(t, Read(domain.ScopeCAs)), w.NewRole(t, Write(domain.ScopeCAs))
	bare := w.NewAPIKey(t)
	full := Must(w.APIKeys.Create(Operator(t), domain.APIKey{
		Name: "full", ExpiresAt: Noon.Add(Day + time.Microsecond),
		AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, RateLimit: 5,
	}, []int64{one.ID, two.ID}))(t)
	before := w.CountEvents(t)
	w.Clock.Pass(time.Hour)
	for sentence, test := range map[string]struct {
		key    access.IssuedKey
		update domain.APIKeyUpdate
	}{
		"nothing": {full, domain.APIKeyUpdate{}},
		"everything": {
			full, domain.APIKeyUpdate{
				Name: &full.Name, Description: new(""), Superuser: new(false), Enabled: new(false), RateLimit: new(5),
				ExpiresAt: &full.ExpiresAt, AllowedIPs: full.AllowedIPs, Roles: []int64{one.ID, two.ID},
			},
		},
		"the roles in another order":    {full, domain.APIKeyUpdate{Roles: []int64{two.ID, one.ID}}},
		"no roles where there are none": {bare, domain.APIKeyUpdate{Roles: []int64{}}},
		"no networks where are none":    {bare, domain.APIKeyUpdate{AllowedIPs: []netip.Prefix{}}},
		"no end where there is none":    {bare, domain.APIKeyUpdate{ExpiresAt: new(time.Time{}.Local())}},
		"the time of another place": {
			full, domain.APIKeyUpdate{ExpiresAt: new(full.ExpiresAt.In(time.FixedZone("São Paulo", -3*60*60)))},
		},
		"a time more exact than is kept": {
			full, domain.APIKeyUpdate{ExpiresAt: new(full.ExpiresAt.Add(time.Microsecond - 1))},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := Must(w.APIKeys.Update(Operator(t), test.key.ID, test.update))(t)
			WantSame(t, got.UpdatedAt, Noon)
			WantSame(t, Must(w.APIKeys.Get(Operator(t), test.key.ID))(t), test.key)
		})
	}
	WantSame(t, w.CountEvents(t), before)
}

func TestAPIKeys_Faults(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	role, taken, present := w.NewRole(t), w.NewAPIKey(t), w.NewAPIKey(t)
	before := w.CountEvents(t)
	far := Noon.AddDate(9000, 0, 0)
	for _, test := range []struct {
		sentence string
		update   domain.APIKeyUpdate
		want     []Fault
	}{
		{
			"no name", domain.APIKeyUpdate{Name: new("")}, []Fault{
				NewFault(domain.Required, "name", domain.ReasonRequired),
			},
		},
		{
			"a control character in the name", domain.APIKeyUpdate{Name: new("a\x00b")},
			[]Fault{NewFault(domain.Invalid, "name", domain.ReasonControl)},
		},
		{
			"a long name", domain.APIKeyUpdate{Name: new(strings.Repeat("é", 256))},
			[]Fault{NewFault(domain.Invalid, "name", domain.ReasonTooLong)},
		},
		{
			"a name that is taken, in other case", domain.APIKeyUpdate{Name: new(strings.ToUpper(taken.Name))},
			[]Fault{NewFault(domain.Duplicated, "name", domain.ReasonDuplicated)},
		},
		{"everything else", domain.APIKeyUpdate{
			Description: new(strings.Repeat("a", 1001)), RateLimit: new(-1), ExpiresAt: &far,
			AllowedIPs: make([]netip.Prefix, 65),
		}, []Fault{
			NewFault(domain.Invalid, "description", domain.ReasonTooLong),
			NewFault(domain.Invalid, "expires_at", domain.ReasonDate),
			NewFault(domain.Invalid, "rate_limit", domain.ReasonTooSmall),
			NewFault(domain.Invalid, "allowed_ips", domain.ReasonTooMany),
		}},
		{"roles given twice", domain.APIKeyUpdate{Roles: []int64{role.ID, 7, role.ID, role.ID}}, []Fault{
			NewFault(domain.Duplicated, "roles[2]", domain.ReasonTwice),
			NewFault(domain.Duplicated, "roles[3]", domain.ReasonTwice),
		}},
		{"roles that there are not", domain.APIKeyUpdate{Roles: []int64{absent, role.ID, 0, -1}}, []Fault{
			NewFault(domain.NotFound, "roles[0]", domain.ReasonNotFound),
			NewFault(domain.NotFound, "roles[2]", domain.ReasonNotFound),
			NewFault(domain.NotFound, "roles[3]", domain.ReasonNotFound),
		}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			_, err := w.APIKeys.Update(Operator(t), present.ID, test.update)
			WantFaults(t, err, test.want...)
			asked := domain.APIKey{Name: Fresh("apikey")}
			_ = test.update.Apply(&asked)
			created, err := w.APIKeys.Create(Operator(t), asked, test.update.Roles)
			WantFaults(t, err, test.want...)
			WantSame(t, created, access.IssuedKey{})
		})
	}
	t.Run("overlaps", func(t *testing.T) {
		for overlap, reason := range map[time.Duration]domain.Reason{
			-1: domain.ReasonTooSmall, domain.MaxOverlap + 1: domain.ReasonTooLarge,
		} {
			_, err := w.APIKeys.Rotate(Operator(t), present.ID, overlap)
			WantFaults(t, err, NewFault(domain.Invalid, "overlap", reason))
		}
	})
	t.Run("an apikey that does not exist", func(t *testing.T) {
		_, err := w.APIKeys.Get(Operator(t), absent)
		WantFaults(t, err, missing)
		_, err = w.APIKeys.Update(Operator(t), absent, domain.APIKeyUpdate{})
		WantFaults(t, err, missing)
		_, err = w.APIKeys.Rotate(Operator(t), absent, 0)
		WantFaults(t, err, missing)
		WantFaults(t, w.APIKeys.Delete(Operator(t), absent), missing)
	})
	WantSame(t, Must(w.APIKeys.Get(Operator(t), present.ID))(t), present)
	WantSame(
		t, Must(w.APIKeys.Page(Operator(t), domain.PageRequest{Size: 10}))(t).Items, []access.IssuedKey{taken, present},
	)
	WantSame(t, w.CountEvents(t), before)
	WantSame(
		t, Must(NewWorld(t).APIKeys.Page(Operator(t), domain.PageRequest{Size: 10}))(t).Items, []access.IssuedKey{},
	)
}
