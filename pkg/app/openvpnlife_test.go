package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// TestOpenVPN_Renewal: while the overlap of a renewal lasts both certificates let the site in.
// After it, the server refuses the one before, and nobody has to do anything. A site that was
// revoked is renewed and comes back under its name.
func TestOpenVPN_Renewal(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := createCA(t, c, "ca-matriz")
	site := createClient(t, c, authority.ID, "lisboa")
	server := startOpenVPN(t, c, authority.ID)
	first := credentials(t, c, site, "lisboa")

	change(t, c, site, "/renew", object{"overlap": "PT1H"})
	second := credentials(t, c, site, "lisboa")
	setCRL(t, c, server, authority.ID)
	wantConnected(t, server, first)
	wantConnected(t, server, second)

	change(t, c, site, "/renew", object{"overlap": "PT1S"}) // ends the longer overlap too
	third := credentials(t, c, site, "lisboa")
	time.Sleep(3 * time.Second)
	setCRL(t, c, server, authority.ID)
	wantRefused(t, server, first)
	wantRefused(t, server, second)
	wantConnected(t, server, third)

	revoke(t, c, site.ID)
	setCRL(t, c, server, authority.ID)
	wantRefused(t, server, third)
	change(t, c, site, "/renew", nil)
	wantConnected(t, server, credentials(t, c, site, "lisboa"))
	wantRefused(t, server, third)
}

// TestOpenVPN_Suspension: a suspended site is refused, and let in again when it is resumed, while
// the server keeps running.
func TestOpenVPN_Suspension(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := createCA(t, c, "ca-matriz")
	site, other := createClient(t, c, authority.ID, "lisboa"), createClient(t, c, authority.ID, "porto")
	server := startOpenVPN(t, c, authority.ID)
	held, free := credentials(t, c, site, "lisboa"), credentials(t, c, other, "porto")
	wantConnected(t, server, held)

	change(t, c, site, "/suspend", nil)
	setCRL(t, c, server, authority.ID)
	wantRefused(t, server, held)
	wantConnected(t, server, free)

	change(t, c, site, "/resume", nil)
	setCRL(t, c, server, authority.ID)
	wantConnected(t, server, held)
	wantConnected(t, server, free)
}

// change sends a POST to an operation of a client.
func change(t *testing.T, c *apptest.Client, site record, operation string, body any) {
	t.Helper()
	if err := c.Do(t.Context(), http.MethodPost, clientPath(site.ID, operation), body, nil); err != nil {
		t.Fatal(err)
	}
}
