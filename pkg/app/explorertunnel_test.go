package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

var (
	withID     = browsertest.Param{Name: "id", Value: "1"}
	atInstance = browsertest.Param{Name: "instance_id", Value: "1"}
)

// tried is an operation that is executed with what the page has filled in, but for ids.
type tried struct {
	operation string
	params    []browsertest.Param
	want      string // in the answer
}

func tryAll(t *testing.T, b *browsertest.Browser, steps ...tried) {
	t.Helper()
	for _, step := range steps {
		status, answer := b.TryItOut(step.operation, "", step.params...)
		if status != http.StatusOK || !strings.Contains(answer, step.want) {
			t.Errorf("%s: %d, no %s in %s", step.operation, status, step.want, answer)
		}
	}
}

// TestExplorer_Tunnel makes an OpenVPN server and a model, and a site of it, as a user does who has
// a browser and a token.
func TestExplorer_Tunnel(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	createClient(t, c, createCA(t, c, "ca-matriz").ID, "site-rio")
	b.Navigate(c.URL)
	b.Authorize(c.Token)
	tryAll(t, b,
		tried{"createInstanceModel", nil, `"name": "modelo-matriz"`},
		tried{"createInstance", nil, `"control_channel": "tls-crypt-v2"`},
		tried{"getInstancesPage", nil, `"name": "vpn-matriz"`},
		tried{"updateClientSite2SiteConfig", []browsertest.Param{withID, atInstance}, `"static_ip": "10.8.0.2"`},
		tried{"getInstancePlanPage", []browsertest.Param{withID}, `"network": "10.1.0.0/24"`},
	)
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

// TestExplorer_Site makes a link for a site, and is offered what is a file under its name.
func TestExplorer_Site(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	s := newAtSite(t)
	b.Navigate(s.c.URL)
	b.Authorize(s.c.Token)
	tryAll(t, b,
		tried{"createClientSite2SiteEnrolment", []browsertest.Param{withID}, `"state": "open"`},
		tried{"getClientSite2SiteEnrolmentsPage", []browsertest.Param{withID}, `"pin_required": true`},
	)
	for operation, name := range map[string]string{
		"getClientSite2SiteProfile": "site-rio.ovpn", "getInstanceBundle": "vpn-matriz.tar.gz",
		"exportInstancePlan": "plan.csv",
	} {
		status, _ := b.TryItOut(operation, "", withID)
		link := `.opblock[id$="-` + operation + `"] .live-responses-table a[download]`
		if text := b.Text(link); status != http.StatusOK || b.Count(link+`[download="`+name+`"]`) != 1 {
			t.Errorf("%s: %d, %q", operation, status, text)
		}
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}
