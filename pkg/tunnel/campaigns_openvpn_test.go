package tunnel_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// running starts a server with the bundle of an instance, as it is now.
func running(t *testing.T, w *World, i domain.Instance) *openvpntest.Server {
	t.Helper()
	dir := t.TempDir()
	files := unpack(t, w, i.ID, dir)
	return openvpntest.Start(t, openvpntest.ServerConfig{
		Dir: dir, Config: files["server.conf"], Identity: &openvpntest.Identity{Name: i.Name, CA: []byte(files["ca.crt"])},
	})
}

// comesIn lets a site connect with a profile whose only remote is 192.0.2.1.
func comesIn(t *testing.T, server *openvpntest.Server, profile string) openvpntest.Result {
	t.Helper()
	port := server.Profile(nil, nil).Port
	profile = strings.ReplaceAll(profile, "remote 192.0.2.1 1194 udp", fmt.Sprintf("remote 127.0.0.1 %d udp", port))
	profile = strings.ReplaceAll(profile, "server-poll-timeout 10", "server-poll-timeout 2")
	got, err := server.ConnectProfile(t.Context(), []byte(profile), "")
	if err != nil {
		t.Fatalf("%v\n%s", err, got.ClientLog)
	}
	return got
}

// TestCampaigns_AsOpenVPN: while a campaign changes the control channel, a real site comes in with
// its earlier profile and with its new one; afterwards with the new one, as it was fetched.
func TestCampaigns_AsOpenVPN(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	for _, test := range []struct{ from, to string }{
		{"tls-crypt-v2", "tls-crypt-v2"}, {"tls-auth", "tls-crypt-v2"}, {"tls-crypt-v2", "tls-crypt"},
		{"tls-auth", "tls-crypt"}, {"none", "tls-crypt-v2"}, {"tls-crypt-v2", "tls-auth"},
	} {
		t.Run(test.from+" to "+test.to, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			now := time.Now()
			w.Clock.At.Store(&now)
			i := create(t, w, w.NewCA(t).ID, func(s *domain.InstanceSpec) {
				s.Control, s.Remotes = &test.from, &[]string{"192.0.2.1"}
			})
			site := newSite(t, w, i)
			old := fetch(t, w, i, site, "")
			if test.from == test.to {
				i = Must(w.Instances.RotateControlKey(Operator(t), i.ID))(t)
			} else {
				i = update(t, w, i, domain.InstanceUpdate{Control: &test.to})
			}
			fresh := fetch(t, w, i, site, "")
			during := running(t, w, i)
			for name, profile := range map[string]string{"earlier": old, "new": fresh} {
				if got := comesIn(t, during, profile); !got.Connected {
					t.Errorf("while the campaign runs, the %s profile: %s\n%s", name, got.Reason, got.ClientLog)
				}
			}
			Must(w.Campaigns.End(Operator(t), i.ID, i.CampaignID, false))(t)
			after := running(t, w, i)
			if got := comesIn(t, after, fresh); !got.Connected {
				t.Errorf("after the campaign: %s\n%s", got.Reason, got.ClientLog)
			}
			if test.from == test.to && comesIn(t, after, old).Connected {
				t.Error("after the campaign the earlier profile comes in")
			}
		})
	}
}

// TestRenew_Successor: a server goes over to the successor of its CA when no site has an earlier
// profile. A real site comes in with the profile of before, which has both CAs.
func TestRenew_Successor(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	w := NewWorld(t)
	now := time.Now()
	w.Clock.At.Store(&now)
	i := create(t, w, w.NewCA(t).ID, func(s *domain.InstanceSpec) { s.Remotes = &[]string{"192.0.2.1"} })
	site := newSite(t, w, i)
	fetch(t, w, i, site, "")
	next := Must(w.CAs.Renew(Operator(t), i.CAID, domain.CARenewal{Key: domain.NewKey}))(t)
	move := func(caID int64) (domain.Instance, error) {
		return w.Instances.Renew(Operator(t), i.ID, domain.ServerRenewal{CAID: caID})
	}
	_, err := move(next.ID)
	WantFaults(t, err, NewFault(domain.Rule, "ca_id", domain.ReasonMoveStale))
	_, err = move(w.NewCA(t).ID)
	WantFaults(t, err, NewFault(domain.Rule, "ca_id", domain.ReasonNoSuccessor))
	profile := fetch(t, w, i, site, "")
	moved := Must(move(next.ID))(t)
	WantSame(t, moved.CAID, next.ID)
	WantSame(t, Must(w.Instances.Get(t.Context(), i.ID))(t).CAID, next.ID)
	WantSame(t, Must(w.Certificates.Get(t.Context(), moved.CertificateID))(t).CAID, next.ID)
	WantSame(t, Must(w.Configs.Get(t.Context(), site.ID, i.ID))(t).ProfileStale(), false)
	if got := comesIn(t, running(t, w, moved), profile); !got.Connected {
		t.Errorf("%s\n%s\n%s", got.Reason, got.ClientLog, got.ServerLog)
	}
	Must(w.Configs.Put(Operator(t), w.NewClient(t, next.ID).ID, i.ID, domain.ClientConfigUpdate{}))(t)
}
