package domain_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestHolder_Active(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sentence string
		holder   domain.Holder
		want     bool
	}{
		{"who is not enabled is not active", domain.Holder{}, false},
		{"who is enabled is, for good", domain.Holder{Enabled: true}, true},
		{"until it expires", domain.Holder{Enabled: true, ExpiresAt: noon.Add(1)}, true},
		{
			"also in another zone", domain.Holder{
				Enabled: true, ExpiresAt: noon.Add(1).In(time.FixedZone("-03", -3*60*60)),
			}, true,
		},
		{"and not from then on", domain.Holder{Enabled: true, ExpiresAt: noon}, false},
		{"nor when it is not enabled", domain.Holder{ExpiresAt: noon.Add(1)}, false},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			if got := test.holder.Active(noon); got != test.want {
				t.Errorf("active: %t", got)
			}
		})
	}
}

func TestHolder_Accepts(t *testing.T) {
	t.Parallel()
	overlapping := domain.Holder{Generation: 5, PreviousUntil: noon.Add(1)}
	for _, test := range []struct {
		sentence   string
		holder     domain.Holder
		generation int64
		want       bool
	}{
		{"the present one", domain.Holder{Generation: 5}, 5, true},
		{"not the one before", domain.Holder{Generation: 5}, 4, false},
		{"the present one during an overlap", overlapping, 5, true},
		{"the one before during an overlap", overlapping, 4, true},
		{"none that is older during an overlap", overlapping, 3, false},
		{"none that is to come", overlapping, 6, false},
		{"not the one before when the overlap ends", domain.Holder{Generation: 5, PreviousUntil: noon}, 4, false},
		{"the present one after an overlap", domain.Holder{Generation: 5, PreviousUntil: noon}, 5, true},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			if got := test.holder.Accepts(test.generation, noon); got != test.want {
				t.Errorf("accepts: %t", got)
			}
		})
	}
}

func TestHolder_Admits(t *testing.T) {
	t.Parallel()
	list := func(texts ...string) []netip.Prefix {
		prefixes, err := domain.ParseAllowedIPs(texts)
		if err != nil {
			t.Fatal(err)
		}
		return prefixes
	}
	for _, test := range []struct {
		sentence string
		allowed  []netip.Prefix
		address  string
		want     bool
	}{
		{"no list admits any", nil, "203.0.113.9", true},
		{"an address itself", list("192.0.2.1"), "192.0.2.1", true},
		{"an address as IPv6 writes it", list("192.0.2.1"), "::ffff:192.0.2.1", true},
		{"an address listed as IPv6 writes it", list("::ffff:192.0.2.1"), "192.0.2.1", true},
		{"not its neighbour", list("192.0.2.1"), "192.0.2.2", false},
		{"inside of a network", list("10.0.0.0/8", "192.0.2.0/24"), "192.0.2.255", true},
		{"outside of the networks", list("10.0.0.0/8", "192.0.2.0/24"), "192.0.3.0", false},
		{"IPv6 inside of a network", list("2001:db8::/32"), "2001:db8:ffff::1", true},
		{"IPv6 outside of a network", list("2001:db8::/32"), "2001:db9::1", false},
		{"any IPv4 is not any IPv6", list("0.0.0.0/0"), "2001:db8::1", false},
		{"any IPv6 is not any IPv4", list("::/0"), "::ffff:192.0.2.1", false},
		{"a prefix that is none admits nobody", []netip.Prefix{{}}, "192.0.2.1", false},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			if got := (domain.Holder{AllowedIPs: test.allowed}).Admits(
				netip.MustParseAddr(test.address),
			); got != test.want {
				t.Errorf("admits: %t", got)
			}
		})
	}
	if (domain.Holder{AllowedIPs: list("0.0.0.0/0", "::/0")}).Admits(netip.Addr{}) {
		t.Error("an address that is none is admitted by a list")
	}
}

func TestHolder_Standing(t *testing.T) {
	t.Parallel()
	later, ended := noon.Add(1), noon
	for _, test := range []struct {
		sentence string
		holder   domain.Holder
		want     domain.Standing
	}{
		{"no superuser", domain.Holder{Enabled: true}, domain.NoSuperuser},
		{"for good", domain.Holder{Enabled: true, Superuser: true}, domain.LastingSuperuser},
		{"for some time", domain.Holder{Enabled: true, Superuser: true, ExpiresAt: later}, domain.PassingSuperuser},
		{"expired", domain.Holder{Enabled: true, Superuser: true, ExpiresAt: ended}, domain.NoSuperuser},
		{"not enabled", domain.Holder{Superuser: true}, domain.NoSuperuser},
		{"not enabled and for some time", domain.Holder{Superuser: true, ExpiresAt: later}, domain.NoSuperuser},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			if got := test.holder.Standing(noon); got != test.want {
				t.Errorf("standing: %d, want %d", got, test.want)
			}
		})
	}
	if domain.NoSuperuser >= domain.PassingSuperuser || domain.PassingSuperuser >= domain.LastingSuperuser {
		t.Error("the standings do not ascend")
	}
}

func TestHolders(t *testing.T) {
	t.Parallel()
	roles := []domain.Role{
		{ID: 1, Scopes: []domain.Permission{read(domain.ScopeUsers)}},
		{ID: 2, Scopes: []domain.Permission{write(domain.ScopeUsers)}},
	}
	key := domain.APIKey{
		ID: 1, Name: "k", Superuser: true, Roles: roles, Enabled: true, ExpiresAt: noon,
		AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		RateLimit:  3, Generation: 4, PreviousUntil: noon.Add(1),
	}
	user := domain.User{ID: 2, Username: "u", Superuser: true, Roles: roles, Enabled: true, Generation: 5}
	united := rights(both(domain.ScopeUsers))
	for _, test := range []struct{ got, want domain.Holder }{
		{key.Holder(),
			domain.Holder{Kind: domain.PrincipalAPIKey, ID: 1, Name: "k", Superuser: true, Rights: united,
				Enabled: true, ExpiresAt: noon,
				Generation: 4, PreviousUntil: noon.Add(1), AllowedIPs: key.AllowedIPs, RateLimit: 3}},
		{
			user.Holder(), domain.Holder{
				Kind: domain.PrincipalUser, ID: 2, Name: "u", Superuser: true, Rights: united, Enabled: true,
				Generation: 5,
			},
		},
	} {
		comparable := cmpopts.EquateComparable(domain.Rights{}, netip.Prefix{})
		if diff := cmp.Diff(test.want, test.got, comparable); diff != "" {
			t.Errorf("holder (-want +got):\n%s", diff)
		}
		want := domain.Principal{
			Kind: test.want.Kind, ID: test.want.ID, Name: test.want.Name, Superuser: true, Rights: united,
			Limits: test.want.Restrictions(),
		}
		if diff := cmp.Diff(want, test.got.Principal(), comparable); diff != "" {
			t.Errorf("principal (-want +got):\n%s", diff)
		}
	}
}
