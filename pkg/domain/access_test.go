package domain_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// nameFaults are the faults of names of apikeys, roles and users.
func nameFaults(field string) map[string][]fault {
	return map[string][]fault{
		"Integração": nil, " ": nil, strings.Repeat("ã", 255): nil,
		"":                       {{domain.Required, field, domain.ReasonRequired}},
		strings.Repeat("ã", 256): {{domain.Invalid, field, domain.ReasonTooLong}},
		"a\nb":                   {{domain.Invalid, field, domain.ReasonControl}},
		"a\x00":                  {{domain.Invalid, field, domain.ReasonControl}},
		"a\xff":                  {{domain.Invalid, field, domain.ReasonControl}},
	}
}

func TestRole_Validate(t *testing.T) {
	t.Parallel()
	for name, want := range nameFaults("name") {
		wantFaults(t, domain.Role{Name: name}.Validate(), want...)
	}
	wantFaults(t, domain.Role{Name: "all", Scopes: domain.Scopes()}.Validate())
	faulty := domain.Role{
		Scopes: []domain.Permission{both(domain.ScopeUsers), both("x"), read(domain.ScopeUsers), both(""), both("x")},
	}
	wantFaults(t, faulty.Validate(), fault{domain.Required, "name", domain.ReasonRequired},
		fault{domain.NotFound, "scopes[1].name", domain.ReasonNotFound},
		fault{domain.Duplicated, "scopes[2].name", domain.ReasonTwice},
		fault{domain.NotFound, "scopes[3].name", domain.ReasonNotFound},
		fault{domain.NotFound, "scopes[4].name", domain.ReasonNotFound})
}

func TestRoleUpdate_Apply(t *testing.T) {
	t.Parallel()
	present := domain.Role{ID: 1, Name: "r", Scopes: []domain.Permission{both(domain.ScopeUsers)}, CreatedAt: noon}
	for _, test := range []struct {
		sentence string
		update   domain.RoleUpdate
		want     domain.Role
	}{
		{"nil is unchanged", domain.RoleUpdate{}, present},
		{
			"a name", domain.RoleUpdate{Name: new("s")}, domain.Role{
				ID: 1, Name: "s", Scopes: present.Scopes, CreatedAt: noon,
			},
		},
		{"the whole list", domain.RoleUpdate{Scopes: []domain.Permission{read(domain.ScopeKeys)}},
			domain.Role{ID: 1, Name: "r", Scopes: []domain.Permission{read(domain.ScopeKeys)}, CreatedAt: noon}},
		{
			"an empty list clears", domain.RoleUpdate{Scopes: []domain.Permission{}},
			domain.Role{ID: 1, Name: "r", Scopes: []domain.Permission{}, CreatedAt: noon},
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			got := present
			wantFaults(t, test.update.Apply(&got))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("role (-want +got):\n%s", diff)
			}
		})
	}
	wantFaults(t, domain.RoleUpdate{Name: new(""), Scopes: []domain.Permission{both("x")}}.Apply(&domain.Role{}),
		fault{domain.Required, "name", domain.ReasonRequired},
		fault{domain.NotFound, "scopes[0].name", domain.ReasonNotFound})
}

func TestCheckRoleIDs(t *testing.T) {
	t.Parallel()
	wantFaults(t, domain.CheckRoleIDs(nil))
	wantFaults(t, domain.CheckRoleIDs([]int64{3, 1, 2}))
	wantFaults(t, domain.CheckRoleIDs([]int64{3, 1, 3, 1, 3}), fault{domain.Duplicated, "roles[2]", domain.ReasonTwice},
		fault{domain.Duplicated, "roles[3]", domain.ReasonTwice},
		fault{domain.Duplicated, "roles[4]", domain.ReasonTwice})
}

func TestPickRoles(t *testing.T) {
	t.Parallel()
	one, two := domain.Role{ID: 1, Name: "one"}, domain.Role{ID: 2, Name: "two"}
	for _, test := range []struct {
		ids    []int64
		want   []domain.Role
		faults []fault
	}{
		{nil, []domain.Role{}, nil},
		{[]int64{1}, []domain.Role{one}, nil},
		{[]int64{2, 1}, []domain.Role{two, one}, nil},
		{
			[]int64{7, 1, 8}, []domain.Role{one}, []fault{
				{domain.NotFound, "roles[0]", domain.ReasonNotFound},
				{domain.NotFound, "roles[2]", domain.ReasonNotFound},
			},
		},
	} {
		got, err := domain.PickRoles(test.ids, []domain.Role{one, two})
		wantFaults(t, err, test.faults...)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.ids, diff)
		}
	}
}

func TestAPIKey_Validate(t *testing.T) {
	t.Parallel()
	for name, want := range nameFaults("name") {
		wantFaults(t, domain.APIKey{Name: name}.Validate(), want...)
	}
	prefixes := make([]netip.Prefix, domain.MaxAllowedIPs+1)
	for i := range prefixes {
		prefixes[i] = netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/32", i))
	}
	for _, test := range []struct {
		sentence string
		alter    func(*domain.APIKey)
		want     []fault
	}{
		{"a description of several lines", func(k *domain.APIKey) { k.Description = "a\r\n\tb" }, nil},
		{
			"a description too long", func(k *domain.APIKey) { k.Description = strings.Repeat("ã", 1001) },
			[]fault{{domain.Invalid, "description", domain.ReasonTooLong}},
		},
		{"expired already", func(k *domain.APIKey) { k.ExpiresAt = noon.AddDate(-50, 0, 0) }, nil},
		{
			"in the last year",
			func(k *domain.APIKey) { k.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }, nil,
		},
		{
			"before there were times",
			func(k *domain.APIKey) { k.ExpiresAt = time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC) }, []fault{
				{domain.Invalid, "expires_at", domain.ReasonDate},
			},
		},
		{"after the last year in UTC", func(k *domain.APIKey) {
			k.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600))
		}, []fault{{domain.Invalid, "expires_at", domain.ReasonDate}}},
		{
			"after the last year",
			func(k *domain.APIKey) { k.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, []fault{
				{domain.Invalid, "expires_at", domain.ReasonDate},
			},
		},
		{"the highest rate", func(k *domain.APIKey) { k.RateLimit = domain.MaxRateLimit }, nil},
		{
			"a rate too high", func(k *domain.APIKey) { k.RateLimit = domain.MaxRateLimit + 1 },
			[]fault{{domain.Invalid, "rate_limit", domain.ReasonTooLarge}},
		},
		{
			"a rate below none", func(k *domain.APIKey) { k.RateLimit = -1 },
			[]fault{{domain.Invalid, "rate_limit", domain.ReasonTooSmall}},
		},
		{"as many networks as can be", func(k *domain.APIKey) { k.AllowedIPs = prefixes[1:] }, nil},
		{
			"one more", func(k *domain.APIKey) { k.AllowedIPs = prefixes },
			[]fault{{domain.Invalid, "allowed_ips", domain.ReasonTooMany}},
		},
		{"a network twice",
			func(k *domain.APIKey) { k.AllowedIPs = []netip.Prefix{prefixes[0], prefixes[1], prefixes[0]} },
			[]fault{{domain.Duplicated, "allowed_ips[2]", domain.ReasonTwice}}},
		{"every fault at once", func(k *domain.APIKey) {
			*k = domain.APIKey{
				Description: "\x00", ExpiresAt: time.Unix(-1, 0), RateLimit: -1, AllowedIPs: []netip.Prefix{{}, {}},
			}
		},
			[]fault{{domain.Required, "name", domain.ReasonRequired},
				{domain.Invalid, "description", domain.ReasonControl},
				{domain.Invalid, "expires_at", domain.ReasonDate},
				{domain.Invalid, "rate_limit", domain.ReasonTooSmall},
				{domain.Duplicated, "allowed_ips[1]", domain.ReasonTwice}}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			k := domain.APIKey{Name: "k"}
			test.alter(&k)
			wantFaults(t, k.Validate(), test.want...)
		})
	}
}

func TestAPIKeyUpdate_Apply(t *testing.T) {
	t.Parallel()
	network := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	present := domain.APIKey{
		ID: 1, Name: "k", Description: "d", Superuser: true, Roles: []domain.Role{{ID: 1}}, Enabled: true,
		ExpiresAt: noon, AllowedIPs: network, RateLimit: 3,
		Generation: 4, PreviousUntil: noon, LastUsedAt: noon, LastUsedIP: "192.0.2.1", CreatedAt: noon, UpdatedAt: noon,
	}
	cleared, changed := present, present
	cleared.Description, cleared.Superuser, cleared.Enabled = "", false, false
	cleared.ExpiresAt, cleared.AllowedIPs, cleared.RateLimit = time.Time{}, []netip.Prefix{}, 0
	changed.Name, changed.Description, changed.ExpiresAt, changed.RateLimit = "l", "e", noon.Add(1), 9
	for _, test := range []struct {
		sentence string
		update   domain.APIKeyUpdate
		want     domain.APIKey
	}{
		{"nil is unchanged, and the roles are not its business", domain.APIKeyUpdate{Roles: []int64{2, 3}}, present},
		{"what is empty clears",
			domain.APIKeyUpdate{Description: new(""), Superuser: new(false), Enabled: new(false),
				ExpiresAt:  new(time.Time{}),
				AllowedIPs: []netip.Prefix{}, RateLimit: new(0)}, cleared},
		{"what is given is set",
			domain.APIKeyUpdate{Name: new("l"), Description: new("e"), Superuser: new(true), Enabled: new(true),
				ExpiresAt:  new(noon.Add(1)),
				AllowedIPs: network, RateLimit: new(9)}, changed},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			got := present
			wantFaults(t, test.update.Apply(&got))
			if diff := cmp.Diff(test.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("apikey (-want +got):\n%s", diff)
			}
		})
	}
	wantFaults(t, domain.APIKeyUpdate{Name: new(""), RateLimit: new(-1), Roles: []int64{2, 2}}.Apply(&domain.APIKey{}),
		fault{domain.Required, "name", domain.ReasonRequired},
		fault{domain.Invalid, "rate_limit", domain.ReasonTooSmall},
		fault{domain.Duplicated, "roles[1]", domain.ReasonTwice})
}

func TestCheckOverlap(t *testing.T) {
	t.Parallel()
	for _, good := range []time.Duration{0, time.Second, domain.DefaultOverlap, domain.MaxOverlap} {
		wantFaults(t, domain.CheckOverlap(good))
	}
	wantFaults(t, domain.CheckOverlap(-1), fault{domain.Invalid, "overlap", domain.ReasonTooSmall})
	wantFaults(t, domain.CheckOverlap(domain.MaxOverlap+1), fault{domain.Invalid, "overlap", domain.ReasonTooLarge})
}

func TestParseAllowedIPs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // empty: refused
		"192.0.2.1": "192.0.2.1/32", "192.0.2.0/24": "192.0.2.0/24", "0.0.0.0/0": "0.0.0.0/0",
		"192.0.2.1/32": "192.0.2.1/32",
		"2001:db8::1":  "2001:db8::1/128", "2001:DB8::/32": "2001:db8::/32", "::/0": "::/0",
		"192.0.2.77/24": "192.0.2.0/24", "2001:db8::1/64": "2001:db8::/64", // host bits are dropped
		"::ffff:192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.0/120": "", "::ffff:0:0/96": "", // IPv4-mapped IPv6
		"fe80::1%eth0": "", "fe80::1%eth0/64": "", "fe80::1": "fe80::1/128", // zones
		"": "", " ": "", "192.0.2.1 ": "", "192.0.2": "", "192.0.2.256": "", "192.0.2.0/33": "", "192.0.2.0/-1": "",
		"192.0.2.0/": "", "192.0.2.0/024": "",
		"192.0.02.1": "", "2001:db8::/129": "", "example.com": "", "*": "", "192.0.2.1-192.0.2.9": "",
		"192.0.2.1,192.0.2.2": "", "\x00": "", "[::1]": "", "192.0.2.1:80": "",
	} {
		t.Run(text, func(t *testing.T) {
			got, err := domain.ParseAllowedIPs([]string{text})
			switch {
			case want == "":
				wantFaults(t, err, fault{domain.Invalid, "allowed_ips[0]", domain.ReasonNetwork})
			case err != nil || len(got) != 1 || got[0].String() != want:
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	t.Run("nil stays nil and empty stays empty", func(t *testing.T) {
		none, err := domain.ParseAllowedIPs(nil)
		empty, emptyErr := domain.ParseAllowedIPs([]string{})
		if none != nil || empty == nil || len(empty) != 0 || err != nil || emptyErr != nil {
			t.Errorf("%v, %v, %v, %v", none, empty, err, emptyErr)
		}
	})
	t.Run("every fault has its place", func(t *testing.T) {
		_, err := domain.ParseAllowedIPs([]string{"x", "192.0.2.1", "y"})
		wantFaults(
			t, err, fault{domain.Invalid, "allowed_ips[0]", domain.ReasonNetwork},
			fault{domain.Invalid, "allowed_ips[2]", domain.ReasonNetwork},
		)
	})
}
