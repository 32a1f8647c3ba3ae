package domain_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

func TestCheckClientName(t *testing.T) {
	t.Parallel()
	charset, long, reserved := []fault{{domain.Invalid, "name", domain.ReasonCharset}},
		[]fault{{domain.Invalid, "name", domain.ReasonTooLong}},
		[]fault{{domain.Invalid, "name", domain.ReasonReserved}}
	for name, want := range map[string][]fault{
		"a": nil, "Site-Rio.2": nil, "-": nil, "...": nil, "-rf": nil, "0": nil, "DEFAULT1": nil, "default.": nil,
		strings.Repeat("a", 30): nil,
		"":                      {{domain.Required, "name", domain.ReasonRequired}},
		// OpenVPN opens client-config-dir/<name>, and DEFAULT for a client that has no file.
		".": reserved, "..": reserved, "DEFAULT": reserved, "default": reserved, "Default": reserved,
		"a b": charset, "a/b": charset, "../a": charset, `a\b`: charset, "a_b": charset, "a*": charset, "a%": charset,
		"a'b": charset, "a\n": charset, "a\x00": charset,
		"é": charset, "\xff": charset, "\uff41": charset, "\u212a": charset, // a fullwidth letter, the Kelvin sign
		strings.Repeat("a", 31): long,
		// What the name consists of is judged before its length.
		strings.Repeat("é", 16): charset,
	} {
		t.Run(name, func(t *testing.T) { wantFaults(t, domain.CheckClientName("name", name), want...) })
	}
}

func FuzzCheckClientName(f *testing.F) {
	for _, seed := range []string{
		"", "a", ".", "..", "default", "site-1.x", strings.Repeat("a", 31), "a/b", "é", "a\x00",
	} {
		f.Add(seed)
	}
	allowed := regexp.MustCompile(`\A[A-Za-z0-9.-]{1,30}\z`)
	reserved := regexp.MustCompile(`\A(\.|\.\.|(?i:default))\z`)
	plain := regexp.MustCompile(`\Aname: [a-z ]+\z`) // it does not quote what was sent
	f.Fuzz(func(t *testing.T, name string) {
		err := domain.CheckClientName("name", name)
		if got, want := err == nil, allowed.MatchString(name) && !reserved.MatchString(name); got != want {
			t.Fatalf("%q: %v", name, err)
		}
		if err != nil && (len(domain.Faults(err)) != 1 || !plain.MatchString(err.Error())) {
			t.Fatalf("%q: %v", name, err)
		}
	})
}

func TestCheckCAName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]fault{
		"": {{domain.Required, "name", domain.ReasonRequired}}, "Matriz São Paulo": nil, strings.Repeat("ã", 64): nil,
		strings.Repeat("ã", 65): {{domain.Invalid, "name", domain.ReasonTooLong}},
		"a\nb":                  {{domain.Invalid, "name", domain.ReasonControl}},
		"a\u0085":               {{domain.Invalid, "name", domain.ReasonControl}},
		"a\xff":                 {{domain.Invalid, "name", domain.ReasonControl}},
	} {
		t.Run(name, func(t *testing.T) { wantFaults(t, domain.CheckCAName("name", name), want...) })
	}
}

func TestClientSpec_Validate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sentence string
		alter    func(*domain.ClientSpec)
		want     []fault
	}{
		{"a name and an address are enough", func(*domain.ClientSpec) {}, nil},
		{
			"nothing", func(s *domain.ClientSpec) { *s = domain.ClientSpec{} },
			[]fault{
				{domain.Required, "name", domain.ReasonRequired}, {domain.Required, "email", domain.ReasonRequired},
			},
		},
		{"the shortest and the longest life", func(s *domain.ClientSpec) { s.Expiration = new(7300) }, nil},
		{
			"a day too many", func(s *domain.ClientSpec) { s.Expiration = new(7301) },
			[]fault{{domain.Invalid, "expiration", domain.ReasonTooLarge}},
		},
		{
			"no day", func(s *domain.ClientSpec) { s.Expiration = new(0) },
			[]fault{{domain.Invalid, "expiration", domain.ReasonTooSmall}},
		},
		{
			"fewer than no day", func(s *domain.ClientSpec) { s.Expiration = new(-1) },
			[]fault{{domain.Invalid, "expiration", domain.ReasonTooSmall}},
		},
		{
			"a description of 1000 characters and several lines",
			func(s *domain.ClientSpec) { s.Description = strings.Repeat("ã\r\n\t", 250) }, nil,
		},
		{
			"a description of 1001 characters",
			func(s *domain.ClientSpec) { s.Description = strings.Repeat("ã", 1001) }, []fault{
				{domain.Invalid, "description", domain.ReasonTooLong},
			},
		},
		{
			"a bell in the description", func(s *domain.ClientSpec) { s.Description = "\a" },
			[]fault{{domain.Invalid, "description", domain.ReasonControl}},
		},
		{
			"a password of 1024 characters",
			func(s *domain.ClientSpec) { s.Password = domain.Secret(strings.Repeat("ã", 1024)) }, nil,
		},
		{
			"a password of 1025 characters",
			func(s *domain.ClientSpec) { s.Password = domain.Secret(strings.Repeat("a", 1025)) }, []fault{
				{domain.Invalid, "password", domain.ReasonTooLong},
			},
		},
		{
			"a line break in the password", func(s *domain.ClientSpec) { s.Password = "a\nb" },
			[]fault{{domain.Invalid, "password", domain.ReasonControl}},
		},
		{"every fault at once", func(s *domain.ClientSpec) {
			s.Name, s.Subject = "a b",
				domain.Subject{Email: "x", Country: "B1", Province: strings.Repeat("p", 129),
					City:         strings.Repeat("c", 129),
					Organization: strings.Repeat("o", 65), Sector: "\x7f"}
		}, []fault{
			{domain.Invalid, "name", domain.ReasonCharset}, {domain.Invalid, "email", domain.ReasonEmail},
			{domain.Invalid, "country", domain.ReasonCountry},
			{domain.Invalid, "province", domain.ReasonTooLong}, {domain.Invalid, "city", domain.ReasonTooLong},
			{domain.Invalid, "organization", domain.ReasonTooLong}, {domain.Invalid, "sector", domain.ReasonControl},
		}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			asked := domain.ClientSpec{CAID: 1, Name: "site", Subject: domain.Subject{Email: "ti@example.com"}}
			test.alter(&asked)
			wantFaults(t, asked.Validate(), test.want...)
		})
	}
}

func TestCASpec_Validate(t *testing.T) {
	t.Parallel()
	good := domain.CASpec{Name: "Matriz", Subject: domain.Subject{Email: "ca@example.com"}, Expiration: new(10950)}
	wantFaults(t, good.Validate())
	good.Expiration = new(10951)
	wantFaults(t, good.Validate(), fault{domain.Invalid, "expiration", domain.ReasonTooLarge})
	wantFaults(
		t, domain.CASpec{}.Validate(), fault{domain.Required, "name", domain.ReasonRequired},
		fault{domain.Required, "email", domain.ReasonRequired},
	)
}

func TestSubject_Validate(t *testing.T) {
	t.Parallel()
	wantFaults(t, domain.Subject{}.Validate())
	for email, good := range map[string]bool{
		"a@b": true, "first.last+tag@example.com": true, "é@example.com": true, "a@münchen.example": true,
		"a": false, "@b": false, "a@": false, "Name <a@b>": false, "<a@b>": false, "a@b, c@d": false, " a@b": false,
		"a@b\n": false, "a@b\x00": false,
		strings.Repeat("a", 250) + "@b.cc": true,
	} {
		t.Run(email, func(t *testing.T) {
			if err := (domain.Subject{Email: email}).Validate(); (err == nil) != good || err != nil &&
				!domain.IsKind(err, domain.Invalid) {
				t.Errorf("error is %v", err)
			}
		})
	}
	wantFaults(
		t, domain.Subject{Email: strings.Repeat("a", 254) + "@b"}.Validate(),
		fault{domain.Invalid, "email", domain.ReasonTooLong},
	)
	for country, good := range map[string]bool{
		"": true, "BR": true, "br": true, "B": false, "BRA": false, "B1": false, "é": false, "  ": false,
	} {
		if err := (domain.Subject{Country: country}).Validate(); (err == nil) != good {
			t.Errorf("country %q: %v", country, err)
		}
	}
}

func TestClientImport_Validate(t *testing.T) {
	t.Parallel()
	date := func(at time.Time, revoked bool) domain.ClientImport {
		return domain.ClientImport{Email: "a@example.com", Revoked: revoked, RevokedAt: &at}
	}
	first := time.Date(1950, time.January, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		sentence string
		asked    domain.ClientImport
		want     []fault
	}{
		{"an address is enough", domain.ClientImport{Email: "a@example.com"}, nil},
		{"nothing", domain.ClientImport{}, []fault{{domain.Required, "email", domain.ReasonRequired}}},
		{"a bad address", domain.ClientImport{Email: "a"}, []fault{{domain.Invalid, "email", domain.ReasonEmail}}},
		{"revoked without a date", domain.ClientImport{Email: "a@example.com", Revoked: true}, nil},
		{"revoked now", date(noon, true), nil},
		{"revoked later", date(noon.Add(1), true), []fault{{domain.Invalid, "revoked_date", domain.ReasonFuture}}},
		{"the first date of lists", date(first, true), nil},
		{"before any list", date(first.Add(-1), true), []fault{{domain.Invalid, "revoked_date", domain.ReasonDate}}},
		{
			"before any list in UTC", date(first.Add(-time.Hour).In(time.FixedZone("+14", 14*60*60)), true),
			[]fault{{domain.Invalid, "revoked_date", domain.ReasonDate}},
		},
		{"a date that is none", date(time.Time{}, true), []fault{{domain.Invalid, "revoked_date", domain.ReasonDate}}},
		{
			"a date without being revoked", date(noon, false),
			[]fault{{domain.Invalid, "revoked_date", domain.ReasonOnlyRevoked}},
		},
	} {
		t.Run(test.sentence, func(t *testing.T) { wantFaults(t, test.asked.Validate(noon), test.want...) })
	}
}

func TestCAImport_Validate(t *testing.T) {
	t.Parallel()
	wantFaults(t, domain.CAImport{}.Validate())
	wantFaults(t, domain.CAImport{Name: strings.Repeat("a", 65), Email: "a", Description: "\x00"}.Validate(),
		fault{domain.Invalid, "name", domain.ReasonTooLong}, fault{domain.Invalid, "email", domain.ReasonEmail},
		fault{domain.Invalid, "description", domain.ReasonControl})
}

func TestClientUpdate_Apply(t *testing.T) {
	t.Parallel()
	present := domain.Client{ID: 1, CAID: 2, Name: "site", NotBefore: noon, ExpiresAt: noon.Add(10 * 24 * time.Hour),
		// as of an imported certificate: the country is not valid
		Subject: domain.Subject{Country: "Brasil", Email: "a@example.com"}}
	t.Run("nil is unchanged and the rest is set", func(t *testing.T) {
		got, want := present, present
		want.Description, want.City = "d", "Rio"
		wantFaults(
			t, domain.ClientUpdate{
				RecordUpdate: domain.RecordUpdate{Description: new("d"), City: new("Rio")},
			}.Apply(&got),
		)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("what is sent is checked", func(t *testing.T) {
		got := present
		err := domain.ClientUpdate{
			RecordUpdate: domain.RecordUpdate{Country: new("Brasil"), Email: new(""), Sector: new("\n")},
			Password:     new(domain.Secret("x")),
		}.Apply(&got)
		wantFaults(t, err, fault{domain.Rule, "password", domain.ReasonPasswordFixed},
			fault{domain.Required, "email", domain.ReasonRequired},
			fault{domain.Invalid, "country", domain.ReasonCountry},
			fault{domain.Invalid, "sector", domain.ReasonControl})
	})
	t.Run("what is fixed may be sent as it is", func(t *testing.T) {
		got := present
		wantFaults(
			t, domain.ClientUpdate{
				Name: new("site"), CAID: new(int64(2)), Expiration: new(10), Password: new(domain.Secret),
			}.Apply(&got),
		)
		wantFaults(t, domain.ClientUpdate{Name: new("Site"), CAID: new(int64(3)), Expiration: new(11)}.Apply(&got),
			fault{domain.Invalid, "name", domain.ReasonNotEditable},
			fault{domain.Invalid, "ca_id", domain.ReasonNotEditable},
			fault{domain.Invalid, "expiration", domain.ReasonNotEditable})
	})
}

func TestClient_Expired(t *testing.T) {
	t.Parallel()
	c := domain.Client{ExpiresAt: noon}
	for at, want := range map[time.Time]bool{
		noon.Add(-1): false, noon: true, noon.Add(1): true, noon.In(time.FixedZone("-03", -3*60*60)): true,
	} {
		if c.Expired(at) != want {
			t.Errorf("at %v it is %t", at, !want)
		}
	}
	if c.Revoked() || !(domain.Client{RevokedAt: noon}).Revoked() {
		t.Error("revoked is wrong")
	}
}
