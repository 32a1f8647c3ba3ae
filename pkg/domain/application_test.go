package domain_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestApplication_Validate(t *testing.T) {
	t.Parallel()
	for _, method := range []domain.AuthMethod{domain.AuthUnsigned, domain.AuthOAuth1, domain.AuthOAuth2} {
		same(t, domain.Application{Name: "Ansible", Method: method}.Validate(), nil)
	}
	wantFaults(t, domain.Application{Description: "a\x00", Method: "aws"}.Validate(), required("name"),
		fault{domain.Invalid, "description", domain.ReasonControl},
		fault{domain.Invalid, "method", domain.ReasonChoice})
	a := domain.Application{Name: "a", Method: domain.AuthOAuth2}
	same(
		t, domain.ApplicationUpdate{
			Name: new("b"), Description: new("c"), Enabled: new(true), Method: new("oauth2"),
		}.Apply(&a), nil,
	)
	same(t, a, domain.Application{Name: "b", Description: "c", Enabled: true, Method: domain.AuthOAuth2})
	wantFaults(
		t, domain.ApplicationUpdate{Method: new("oauth1"), Name: new("")}.Apply(&a),
		fault{domain.Invalid, "method", domain.ReasonNotEditable}, required("name"),
	)
}

func TestPAMAuthorization_Validate(t *testing.T) {
	t.Parallel()
	network := netip.MustParsePrefix("10.0.0.0/8")
	good := domain.PAMAuthorization{
		Name: "a", Resources: []domain.PAMResource{domain.PAMCore, "A2A"}, AllowedIPs: []netip.Prefix{network},
		Referrers: []string{"https://intranet/"},
	}
	same(t, good.Validate(), nil)
	same(t, domain.PAMAuthorization{Name: "a"}.Validate(), nil)
	wantFaults(t, domain.PAMAuthorization{
		ExpiresAt: time.Date(1, time.January, 2, 0, 0, 0, 0, time.UTC), AllowedIPs: []netip.Prefix{network, network},
		Resources: []domain.PAMResource{"A2A", "PAM", "A2A"}, Referrers: []string{"", "a\n"},
	}.Validate(), required("name"), fault{domain.Invalid, "expires_at", domain.ReasonDate},
		fault{domain.Duplicated, "allowed_ips[1]", domain.ReasonTwice},
		fault{domain.Invalid, "resources[1]", domain.ReasonChoice},
		fault{domain.Duplicated, "resources[2]", domain.ReasonTwice},
		required("referrers[0]"), fault{domain.Invalid, "referrers[1]", domain.ReasonControl})
	good.Referrers = slices.Repeat([]string{"https://intranet/"}, 65)
	wantFaults(t, good.Validate(), fault{domain.Invalid, "referrers", domain.ReasonTooMany})
	good.Referrers, good.Fingerprint, good.Devices = nil, strings.Repeat("zz", 32), make([]int64, 1001)
	wantFaults(
		t, good.Validate(), fault{domain.Invalid, "certificate_fingerprint", domain.ReasonFormat},
		fault{domain.Invalid, "devices", domain.ReasonTooMany},
	)
	good.Fingerprint, good.Devices = "00ff", nil
	wantFaults(t, good.Validate(), fault{domain.Invalid, "certificate_fingerprint", domain.ReasonFormat})
	good.Fingerprint = domain.CanonicalFingerprint(" " + strings.Repeat("0F:", 31) + "0F")
	same(t, good.Validate(), nil)
	same(t, good.Fingerprint, strings.Repeat("0f", 32))
	after := good
	same(
		t, domain.PAMAuthorizationUpdate{
			Referrers: []string{}, Resources: []domain.PAMResource{}, AllowedIPs: []netip.Prefix{},
		}.Apply(&after), nil,
	)
	same(t, len(after.Referrers)+len(after.Resources)+len(after.AllowedIPs), 0)
}

func TestPAMAuthorization_Holder(t *testing.T) {
	t.Parallel()
	a := domain.PAMAuthorization{
		ID: 7, Name: "one", Enabled: true, Application: domain.Application{Name: "app", Enabled: true}, ExpiresAt: noon,
	}
	h := a.Holder()
	p := h.Principal()
	same(
		t, []any{p.Kind, p.ID, p.Name, p.Superuser, p.Rights == domain.Rights{}},
		[]any{domain.PrincipalPAM, int64(7), "app/one", false, true},
	)
	same(t, []bool{h.Active(noon.Add(-1)), h.Active(noon)}, []bool{true, false})
	a.Application.Enabled = false
	same(t, a.Holder().Active(noon.Add(-1)), false)
	a.Application.Enabled, a.Enabled = true, false
	same(t, a.Holder().Active(noon.Add(-1)), false)
	same(
		t, []bool{
			a.Allows(domain.PAMCore), domain.PAMAuthorization{
				Resources: []domain.PAMResource{"A2A", domain.PAMCore},
			}.Allows(domain.PAMCore),
		}, []bool{
			false, true,
		},
	)
}

func TestPrincipal_Sees(t *testing.T) {
	t.Parallel()
	limited := domain.PAMAuthorization{ID: 7, Devices: []int64{1, 2}}.Principal()
	sees := func(p domain.Principal, devices ...domain.Device) (seen []bool) {
		for _, d := range devices {
			seen = append(seen, p.Sees(d))
		}
		return seen
	}
	devices := []domain.Device{{ID: 1}, {ID: 3}, {ID: 4, CreatorID: 7}, {ID: 5, CreatorID: 1}}
	same(t, sees(limited, devices...), []bool{true, false, true, false})
	same(t, sees(domain.PAMAuthorization{ID: 7}.Principal(), devices...), []bool{true, true, true, true})
	same(t, sees(domain.Principal{}, devices...), []bool{true, true, true, true})
	same(t, []int64{limited.Creator(), domain.Principal{Kind: domain.PrincipalUser, ID: 7}.Creator()}, []int64{7, 0})
}

func TestPAMAuthorization_AdmitsReferrer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		page, referrer string
		want           bool
	}{
		{"https://intranet", "https://intranet", true}, {"https://intranet", "https://intranet/", true},
		{"https://intranet", "https://intranet?a", true},
		{"https://intranet/app", "https://intranet/app/x", true},
		{"https://intranet/app", "https://intranet/app#x", true},
		{"https://intranet/", "https://intranet/x", true}, {"https://intranet", "https://intranet.example.com/", false},
		{"https://intranet", "https://intranet:8080/", false}, {"https://intranet", "https://intranet@evil/", false},
		{"https://intranet/app", "https://intranet/application", false},
		{"https://intranet/", "https://intranet", false}, {"https://intranet", "", false},
		{"https://intranet", "http://evil/?https://intranet", false},
		{"https://intranet", strings.ToUpper("https://intranet"), false},
	} {
		if got := (domain.PAMAuthorization{Referrers: []string{"https://other", test.page}}).AdmitsReferrer(
			test.referrer,
		); got != test.want {
			t.Errorf("%s under %s: %v", test.referrer, test.page, got)
		}
	}
	same(t, domain.PAMAuthorization{}.AdmitsReferrer(""), true)
}
