package service_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

var missing = fault{domain.Missing, "id", domain.ReasonNotFound}

const absent = 1 << 40

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newRole(t, read(domain.ScopeCAs)), w.newRole(t, write(domain.ScopeCAs))
	asked := domain.APIKey{
		Name: "Integração", Description: "two\nlines", Enabled: true, ExpiresAt: noon.Add(day), RateLimit: 600,
		AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
	}
	want := asked
	want.ID, want.Generation, want.CreatedAt, want.UpdatedAt, want.Roles = 1, 1, noon, noon, []domain.Role{one, two}
	wantKey := func(got service.IssuedKey) {
		t.Helper()
		wantSame(t, got.APIKey, want)
		wantSame(t, must(w.APIKeys.Get(operator(t), want.ID))(t), got)
	}
	wantKey(must(w.APIKeys.Create(operator(t), asked, []int64{two.ID, one.ID}))(t))
	w.clock.pass(time.Hour)
	want.UpdatedAt = w.clock.Now()

	token := must(w.APIKeys.Get(operator(t), want.ID))(t).Token
	want.Name, want.Description, want.Superuser, want.Enabled, want.RateLimit = "INTEGRAÇÃO", "", true, false, 7
	want.ExpiresAt, want.AllowedIPs, want.Roles = noon.Add(2*day), []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}, []domain.Role{two}
	wantKey(must(w.APIKeys.Update(operator(t), want.ID, domain.APIKeyUpdate{
		Name: &want.Name, Description: new(""), Superuser: new(true), Enabled: new(false), RateLimit: new(7), ExpiresAt: &want.ExpiresAt,
		AllowedIPs: want.AllowedIPs, Roles: []int64{two.ID},
	}))(t))
	want.RateLimit, want.ExpiresAt, want.AllowedIPs, want.Roles = 0, time.Time{}, nil, nil
	got := must(w.APIKeys.Update(operator(t), want.ID, domain.APIKeyUpdate{
		RateLimit: new(0), ExpiresAt: new(time.Time{}), AllowedIPs: []netip.Prefix{}, Roles: []int64{},
	}))(t)
	wantSame(t, got.Token, token)
	got.AllowedIPs = nil
	wantKey(got)

	w.clock.pass(time.Hour)
	want.UpdatedAt, want.Generation, want.PreviousUntil = w.clock.Now(), 2, w.clock.Now().Add(domain.DefaultOverlap)
	wantKey(must(w.APIKeys.Rotate(operator(t), want.ID, domain.DefaultOverlap))(t))
	want.Generation, want.PreviousUntil = 3, time.Time{}
	wantKey(must(w.APIKeys.Rotate(operator(t), want.ID, 0))(t))

	other := w.newAPIKey(t)
	wantSame(t, must(w.APIKeys.Page(operator(t), domain.PageRequest{Size: 10}))(t), domain.Page[service.IssuedKey]{
		Items: []service.IssuedKey{must(w.APIKeys.Get(operator(t), want.ID))(t), other},
	})
	check(t, w.APIKeys.Delete(operator(t), want.ID))
	_, err := w.APIKeys.Get(operator(t), want.ID)
	wantFaults(t, err, missing)
}

// TestAPIKeys_Update_Unchanged: what is sent as it is changes nothing and leaves no event.
func TestAPIKeys_Update_Unchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newRole(t, read(domain.ScopeCAs)), w.newRole(t, write(domain.ScopeCAs))
	bare := w.newAPIKey(t)
	full := must(w.APIKeys.Create(operator(t), domain.APIKey{
		Name: "full", ExpiresAt: noon.Add(day + time.Microsecond), AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, RateLimit: 5,
	}, []int64{one.ID, two.ID}))(t)
	before := w.countEvents(t)
	w.clock.pass(time.Hour)
	for sentence, test := range map[string]struct {
		key    service.IssuedKey
		update domain.APIKeyUpdate
	}{
		"nothing":                        {full, domain.APIKeyUpdate{}},
		"everything":                     {full, domain.APIKeyUpdate{Name: &full.Name, Description: new(""), Superuser: new(false), Enabled: new(false), RateLimit: new(5), ExpiresAt: &full.ExpiresAt, AllowedIPs: full.AllowedIPs, Roles: []int64{one.ID, two.ID}}},
		"the roles in another order":     {full, domain.APIKeyUpdate{Roles: []int64{two.ID, one.ID}}},
		"no roles where there are none":  {bare, domain.APIKeyUpdate{Roles: []int64{}}},
		"no networks where are none":     {bare, domain.APIKeyUpdate{AllowedIPs: []netip.Prefix{}}},
		"no end where there is none":     {bare, domain.APIKeyUpdate{ExpiresAt: new(time.Time{}.Local())}},
		"the time of another place":      {full, domain.APIKeyUpdate{ExpiresAt: new(full.ExpiresAt.In(time.FixedZone("São Paulo", -3*60*60)))}},
		"a time more exact than is kept": {full, domain.APIKeyUpdate{ExpiresAt: new(full.ExpiresAt.Add(time.Microsecond - 1))}},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := must(w.APIKeys.Update(operator(t), test.key.ID, test.update))(t)
			wantSame(t, got.UpdatedAt, noon)
			wantSame(t, must(w.APIKeys.Get(operator(t), test.key.ID))(t), test.key)
		})
	}
	wantSame(t, w.countEvents(t), before)
}

func TestAPIKeys_Faults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role, taken, present := w.newRole(t), w.newAPIKey(t), w.newAPIKey(t)
	before := w.countEvents(t)
	far := noon.AddDate(9000, 0, 0)
	for _, test := range []struct {
		sentence string
		update   domain.APIKeyUpdate
		want     []fault
	}{
		{"no name", domain.APIKeyUpdate{Name: new("")}, []fault{{domain.Required, "name", domain.ReasonRequired}}},
		{"a control character in the name", domain.APIKeyUpdate{Name: new("a\x00b")}, []fault{{domain.Invalid, "name", domain.ReasonControl}}},
		{"a long name", domain.APIKeyUpdate{Name: new(strings.Repeat("é", 256))}, []fault{{domain.Invalid, "name", domain.ReasonTooLong}}},
		{"a name that is taken, in other case", domain.APIKeyUpdate{Name: new(strings.ToUpper(taken.Name))}, []fault{{domain.Duplicated, "name", domain.ReasonDuplicated}}},
		{"everything else", domain.APIKeyUpdate{Description: new(strings.Repeat("a", 1001)), RateLimit: new(-1), ExpiresAt: &far, AllowedIPs: make([]netip.Prefix, 65)}, []fault{
			{domain.Invalid, "description", domain.ReasonTooLong}, {domain.Invalid, "expires_at", domain.ReasonDate},
			{domain.Invalid, "rate_limit", domain.ReasonTooSmall}, {domain.Invalid, "allowed_ips", domain.ReasonTooMany},
		}},
		{"roles given twice", domain.APIKeyUpdate{Roles: []int64{role.ID, 7, role.ID, role.ID}}, []fault{
			{domain.Duplicated, "roles[2]", domain.ReasonTwice}, {domain.Duplicated, "roles[3]", domain.ReasonTwice},
		}},
		{"roles that there are not", domain.APIKeyUpdate{Roles: []int64{absent, role.ID, 0, -1}}, []fault{
			{domain.NotFound, "roles[0]", domain.ReasonNotFound}, {domain.NotFound, "roles[2]", domain.ReasonNotFound}, {domain.NotFound, "roles[3]", domain.ReasonNotFound},
		}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			_, err := w.APIKeys.Update(operator(t), present.ID, test.update)
			wantFaults(t, err, test.want...)
			asked := domain.APIKey{Name: fresh("apikey")}
			_ = test.update.Apply(&asked)
			created, err := w.APIKeys.Create(operator(t), asked, test.update.Roles)
			wantFaults(t, err, test.want...)
			wantSame(t, created, service.IssuedKey{})
		})
	}
	t.Run("overlaps", func(t *testing.T) {
		for overlap, reason := range map[time.Duration]domain.Reason{-1: domain.ReasonTooSmall, domain.MaxOverlap + 1: domain.ReasonTooLarge} {
			_, err := w.APIKeys.Rotate(operator(t), present.ID, overlap)
			wantFaults(t, err, fault{domain.Invalid, "overlap", reason})
		}
	})
	t.Run("an apikey that there is not", func(t *testing.T) {
		_, err := w.APIKeys.Get(operator(t), absent)
		wantFaults(t, err, missing)
		_, err = w.APIKeys.Update(operator(t), absent, domain.APIKeyUpdate{})
		wantFaults(t, err, missing)
		_, err = w.APIKeys.Rotate(operator(t), absent, 0)
		wantFaults(t, err, missing)
		wantFaults(t, w.APIKeys.Delete(operator(t), absent), missing)
	})
	wantSame(t, must(w.APIKeys.Get(operator(t), present.ID))(t), present)
	wantSame(t, must(w.APIKeys.Page(operator(t), domain.PageRequest{Size: 10}))(t).Items, []service.IssuedKey{taken, present})
	wantSame(t, w.countEvents(t), before)
	wantSame(t, must(newWorld(t).APIKeys.Page(operator(t), domain.PageRequest{Size: 10}))(t).Items, []service.IssuedKey{})
}
