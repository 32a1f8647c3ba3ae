package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testClientFilters(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one, two := newCA(t, s), newCA(t, s)
	add := func(caID int64, name string) int64 {
		c := sampleClient(caID, name)
		check(t, s.Clients().Create(ctx, &c))
		return c.ID
	}
	alfa := add(one.ID, "Filial-Alfa")
	beta := add(one.ID, "filial-beta")
	outer := add(two.ID, "a-FILIAL")
	percent := add(two.ID, "100%-x")
	underscore := add(two.ID, "site_1")
	plain := add(two.ID, "siteX1")
	backslash := add(two.ID, `back\slash`)
	quote := add(two.ID, `o'hara"--`)

	for _, test := range []struct {
		sentence string
		filter   domain.ClientFilter
		want     []int64
	}{
		{
			"nothing is restricted by a zero filter", domain.ClientFilter{},
			[]int64{alfa, beta, outer, percent, underscore, plain, backslash, quote},
		},
		{"a CA restricts", domain.ClientFilter{CAID: one.ID}, []int64{alfa, beta}},
		{"a CA that does not exist has none", domain.ClientFilter{CAID: absent}, nil},
		{"a name is exact but for its case", domain.ClientFilter{Name: "FILIAL-alfa"}, []int64{alfa}},
		{"a part of a name is no name", domain.ClientFilter{Name: "filial"}, nil},
		{"a star at the end stands for any text", domain.ClientFilter{Name: "Filial*"}, []int64{alfa, beta}},
		{"a star at the end stands for no text", domain.ClientFilter{Name: "filial-alfa*"}, []int64{alfa}},
		{"stars at both ends find a part", domain.ClientFilter{Name: "*FILIAL*"}, []int64{alfa, beta, outer}},
		{"a star alone is any name", domain.ClientFilter{Name: "*", CAID: one.ID}, []int64{alfa, beta}},
		{"name and CA restrict together", domain.ClientFilter{Name: "*filial*", CAID: two.ID}, []int64{outer}},
		{"a percent sign is itself", domain.ClientFilter{Name: "*%*"}, []int64{percent}},
		{"a percent sign in a prefix is itself", domain.ClientFilter{Name: "1%*"}, nil},
		{"an underscore is itself", domain.ClientFilter{Name: "site_*"}, []int64{underscore}},
		{"an underscore inside is itself", domain.ClientFilter{Name: "*e_1*"}, []int64{underscore}},
		{"a backslash is itself", domain.ClientFilter{Name: `*\*`}, []int64{backslash}},
		{"a backslash in a prefix is itself", domain.ClientFilter{Name: `BACK\*`}, []int64{backslash}},
		{"a backslash and a percent sign are themselves", domain.ClientFilter{Name: `*\%*`}, nil},
		{"a quote is itself", domain.ClientFilter{Name: `*'hara"--*`}, []int64{quote}},
		{"SQL is text", domain.ClientFilter{Name: `' OR 1=1 --`}, nil},
		{"a NUL is in no name", domain.ClientFilter{Name: "*\x00*"}, nil},
		{"broken UTF-8 is in no name", domain.ClientFilter{Name: "*\xff*"}, nil},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			wantIDs(t, s, test.filter, test.want...)
			test.filter.Kind = domain.Site2User
			wantIDs(t, s, test.filter)
		})
	}
	t.Run("states", func(t *testing.T) { testStatusFilters(t, s) })
	t.Run("sites of an instance", func(t *testing.T) { testSiteFilters(t, s) })
}

// testSiteFilters: the filter by instance with every other one, by id and by expiry.
func testSiteFilters(t *testing.T, s domain.Store) {
	ctx := t.Context()
	i, beside := newInstance(t, s), newInstance(t, s)
	other := newCA(t, s)
	site := func(caID int64, at domain.Instance, name string, expires time.Time) int64 {
		c := sampleClient(caID, fresh(name))
		c.ExpiresAt = expires
		check(t, s.Clients().Create(ctx, &c))
		cert := sampleCertificate(c, fresh("serial"))
		check(t, s.Certificates().Create(ctx, &cert))
		check(t, s.ClientConfigs().Put(ctx, sampleConfig(at, c.ID)))
		return c.ID
	}
	late, ended := noon.AddDate(2, 0, 0), noon.AddDate(0, 0, -1)
	first := site(i.CAID, i, "sítio-a", late)
	site(i.CAID, beside, "sítio-a", late)
	past := site(i.CAID, i, "sítio-b", ended)
	foreign := site(other.ID, i, "sítio-c", late.Add(-time.Hour))
	revoked := site(i.CAID, i, "sítio-a", late.Add(time.Hour))
	check(t, s.Clients().Revoke(ctx, revoked, noon, domain.Unspecified))
	newClient(t, s, i.CAID) // a site of none
	user := newUserClient(t, s, i, "sítio-a")
	name := must(s.Clients().Get(ctx, first))(t).Name
	serial := must(s.Certificates().OfClient(ctx, first))(t).Serial
	for _, test := range []struct {
		filter domain.ClientFilter
		want   []int64
	}{
		{domain.ClientFilter{}, []int64{first, past, foreign, revoked}},
		{domain.ClientFilter{CAID: i.CAID}, []int64{first, past, revoked}},
		{domain.ClientFilter{Status: domain.StatusValid}, []int64{first, foreign}},
		{domain.ClientFilter{Status: domain.StatusExpired}, []int64{past}},
		{domain.ClientFilter{Status: domain.StatusRevoked, CAID: other.ID}, nil},
		{domain.ClientFilter{Name: name}, []int64{first}},
		{domain.ClientFilter{Name: "sítio-a*"}, []int64{first, revoked}},
		{domain.ClientFilter{Name: "*TIO-b*"}, []int64{past}},
		{domain.ClientFilter{Name: "\x00"}, nil},
		{domain.ClientFilter{Serials: []string{serial, "none"}}, []int64{first}},
		{domain.ClientFilter{ExpiresAfter: noon, ExpiresBefore: late}, []int64{foreign}},
		{domain.ClientFilter{ByExpiry: true}, []int64{past, foreign, first, revoked}},
		{domain.ClientFilter{ByExpiry: true, CAID: i.CAID, Status: domain.StatusValid}, []int64{first}},
	} {
		test.filter.InstanceID, test.filter.At = i.ID, noon
		wantIDs(t, s, test.filter, test.want...)
		if test.filter.ByExpiry {
			continue
		}
		walk(t, func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Client], error) {
			return s.Clients().Page(ctx, test.filter, page)
		}, test.want, 2)
	}
	wantIDs(t, s, domain.ClientFilter{InstanceID: absent, At: noon})
	for _, byExpiry := range []bool{false, true} {
		users := domain.ClientFilter{Kind: domain.Site2User, InstanceID: i.ID, At: noon, ByExpiry: byExpiry}
		wantIDs(t, s, users, user.ID)
		users.Name, users.Status = "sítio-a*", domain.StatusValid
		wantIDs(t, s, users, user.ID)
		users.InstanceID = beside.ID
		wantIDs(t, s, users)
	}
}

func testStatusFilters(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority, other := newCA(t, s), newCA(t, s)
	add := func(caID int64, ended, revoked bool) int64 {
		c := sampleClient(caID, fresh("client"))
		if ended {
			c.ExpiresAt = noon
		}
		if revoked {
			c.RevokedAt = noon
		}
		check(t, s.Clients().Create(ctx, &c))
		return c.ID
	}
	valid, expired, revoked := add(authority.ID, false, false), add(authority.ID, true, false),
		add(authority.ID, false, true)
	both, foreign := add(authority.ID, true, true), add(other.ID, true, false)
	if marked := must(s.Clients().MarkExpired(ctx, noon, 100))(t); marked != 3 {
		t.Fatalf("marked %d", marked)
	}
	for _, test := range []struct {
		status domain.Status
		want   []int64
	}{
		{domain.StatusAny, []int64{valid, expired, revoked, both}},
		{domain.StatusValid, []int64{valid}},
		{domain.StatusExpired, []int64{expired, both}},
		{domain.StatusRevoked, []int64{revoked, both}},
	} {
		t.Run("of one CA "+string(test.status), func(t *testing.T) {
			wantIDs(t, s, domain.ClientFilter{CAID: authority.ID, Status: test.status}, test.want...)
		})
	}
	t.Run("of all CAs", func(t *testing.T) {
		wantIDs(t, s, domain.ClientFilter{Status: domain.StatusExpired}, expired, both, foreign)
		wantIDs(t, s, domain.ClientFilter{Status: domain.StatusRevoked}, revoked, both)
	})
}
