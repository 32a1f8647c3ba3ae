package service_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// onEngines runs a test on each database.
func onEngines(t *testing.T, run func(*testing.T, *World)) {
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			run(t, WorldOn(t, open(t), slog.DiscardHandler))
		})
	}
}

// newRequest is a request for a certificate, for a key of its own.
func newRequest(t testing.TB) []byte {
	t.Helper()
	der := Must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, NewKey(t)))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// newSite makes a CA, an instance and a client with a config there.
func newSite(t testing.TB, w *World) (domain.Client, domain.Instance) {
	t.Helper()
	authority := w.NewCA(t)
	instance := Must(w.Instances.Create(t.Context(), domain.InstanceSpec{InstanceUpdate: domain.InstanceUpdate{
		CAID: &authority.ID, Name: new(Fresh("vpn")), Network: new("10.8.0.0/24"), Remotes: &[]string{"vpn.example.com"},
	}}))(t)
	client := w.NewClient(t, authority.ID)
	Must(w.Configs.Put(t.Context(), client.ID, instance.ID, domain.ClientConfigUpdate{}))(t)
	return client, instance
}

// newLink makes an enrolment.
func newLink(t testing.TB, w *World, c domain.Client, i domain.Instance) tunnel.IssuedEnrolment {
	t.Helper()
	return Must(w.Enrolments.Create(t.Context(), domain.EnrolmentSpec{ClientID: c.ID, InstanceID: i.ID}))(t)
}

// from is a context of a request from somewhere.
func from(t testing.TB) context.Context {
	return domain.WithOrigin(t.Context(), domain.Origin{Address: netip.MustParseAddr("192.0.2.7"), Operation: "enrol"})
}

func claimOf(made tunnel.IssuedEnrolment, token string) tunnel.Claim {
	return tunnel.Claim{Secret: domain.Secret(made.Secret), Token: domain.Secret(token)}
}

const (
	tokenOne domain.Secret = "one-token-0123456789"
	tokenTwo domain.Secret = "two-token-0123456789"
)

// TestEnrolments_Once: a link gives the profile once; again only to whoever has just claimed it.
func TestEnrolments_Once(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		client, instance := newSite(t, w)
		made := Must(w.Enrolments.Create(t.Context(), domain.EnrolmentSpec{
			ClientID: client.ID, InstanceID: instance.ID, Format: "openvpn",
		}))(t)
		first := claimOf(made, string(tokenOne))
		file := Must(w.Enrolments.Claim(from(t), first))(t)
		WantSame(t, file.Name, client.Name+".ovpn")
		if !strings.Contains(string(file.Content), "remote vpn.example.com") {
			t.Errorf("the profile is\n%s", file.Content)
		}
		again := Must(w.Enrolments.Claim(from(t), first))(t)
		WantSame(t, string(again.Content), string(file.Content))
		_, err := w.Enrolments.Claim(from(t), claimOf(made, string(tokenTwo)))
		WantFaults(t, err, NewFault(domain.Rule, "id", domain.ReasonLinkClaimed))
		w.Clock.Pass(domain.EnrolmentRepeat + time.Second)
		_, err = w.Enrolments.Claim(from(t), first)
		WantFaults(t, err, NewFault(domain.Rule, "id", domain.ReasonLinkClaimed))
		found := Must(w.Enrolments.Get(t.Context(), client.ID, made.ID))(t)
		WantSame(t, found.ClaimedFrom, "192.0.2.7")
		config := Must(w.Configs.Get(t.Context(), client.ID, instance.ID))(t)
		WantSame(t, config.ProfileVersion, instance.Version)
	})
}

// TestEnrolments_Raced: of many who claim a link at once one gets the profile.
func TestEnrolments_Raced(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		client, instance := newSite(t, w)
		made := newLink(t, w, client, instance)
		var all sync.WaitGroup
		outcomes := make(chan error, 8)
		for i := range cap(outcomes) {
			all.Go(func() {
				_, err := w.Enrolments.Claim(from(t), claimOf(made, strings.Repeat("x", 16+i)))
				outcomes <- err
			})
		}
		all.Wait()
		close(outcomes)
		won := 0
		for err := range outcomes {
			if err == nil {
				won++
				continue
			}
			WantFaults(t, err, NewFault(domain.Rule, "id", domain.ReasonLinkClaimed))
		}
		WantSame(t, won, 1)
	})
}

// TestEnrolments_PIN: however many PINs are tried at once, after ten wrong ones the link is locked,
// also for the right one.
func TestEnrolments_PIN(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		client, instance := newSite(t, w)
		spec := domain.EnrolmentSpec{ClientID: client.ID, InstanceID: instance.ID, PIN: "4711"}
		made := Must(w.Enrolments.Create(t.Context(), spec))(t)
		other := Must(w.Enrolments.Create(t.Context(), spec))(t)
		with := func(made tunnel.IssuedEnrolment, pin domain.Secret) error {
			claim := claimOf(made, string(tokenOne))
			claim.PIN = pin
			_, err := w.Enrolments.Claim(from(t), claim)
			return err
		}
		WantFaults(t, with(other, ""), NewFault(domain.Invalid, "pin", domain.ReasonPIN))
		Check(t, with(other, "4711"))
		var all sync.WaitGroup
		for range 25 {
			all.Go(func() { _ = with(made, "0000") })
		}
		all.Wait()
		WantSame(t, Must(w.Enrolments.Get(t.Context(), client.ID, made.ID))(t).Tries, domain.MaxEnrolmentTries)
		WantFaults(t, with(made, "4711"), NewFault(domain.Rule, "id", domain.ReasonLinkLocked))
	})
}

// TestEnrolments_Ended: a link is worthless after it was revoked or has expired, and when the
// client is revoked or taken away from the instance.
func TestEnrolments_Ended(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		for sentence, test := range map[string]struct {
			end    func(domain.Client, domain.Instance, tunnel.IssuedEnrolment)
			reason domain.Reason
		}{
			"revoked": {func(c domain.Client, _ domain.Instance, e tunnel.IssuedEnrolment) {
				Must(w.Enrolments.Revoke(t.Context(), c.ID, e.ID))(t)
			}, domain.ReasonLinkRevoked},
			"expired": {func(domain.Client, domain.Instance, tunnel.IssuedEnrolment) {
				w.Clock.Pass(domain.DefaultEnrolmentLife)
			}, domain.ReasonLinkExpired},
			"the client is revoked": {func(c domain.Client, _ domain.Instance, _ tunnel.IssuedEnrolment) {
				w.Revoke(t, c.ID)
			}, domain.ReasonNotInForce},
			"the client has no config any more": {func(c domain.Client, i domain.Instance, _ tunnel.IssuedEnrolment) {
				Check(t, w.Configs.Remove(t.Context(), c.ID, i.ID))
			}, domain.ReasonNoSite},
		} {
			client, instance := newSite(t, w)
			made := newLink(t, w, client, instance)
			test.end(client, instance, made)
			_, err := w.Enrolments.Claim(from(t), claimOf(made, string(tokenOne)))
			if faults := domain.Faults(err); len(faults) != 1 || faults[0].Reason != test.reason {
				t.Errorf("%s: got %v", sentence, err)
			}
		}
		_, err := w.Enrolments.Claim(from(t), tunnel.Claim{Secret: "nothing", Token: tokenOne})
		WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	})
}

// TestEnrolments_Request: a site that sends a request gets a certificate for its own key, and the
// one before ends an hour later; sending it again changes nothing.
func TestEnrolments_Request(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		client, instance := newSite(t, w)
		made := newLink(t, w, client, instance)
		claim := claimOf(made, string(tokenOne))
		claim.Request = []byte("no request")
		_, err := w.Enrolments.Claim(from(t), claim)
		WantFaults(t, err, NewFault(domain.Invalid, "csr", domain.ReasonCSR))
		bad := claimOf(made, string(tokenOne))
		bad.Request, bad.KeyFile = newRequest(t), "a\nup /bin/sh"
		_, err = w.Enrolments.Claim(from(t), bad)
		WantFaults(t, err, NewFault(domain.Invalid, "key_file", domain.ReasonControl))
		open := Must(w.Enrolments.Get(t.Context(), client.ID, made.ID))(t)
		WantSame(t, open.State(w.Clock.Now()), domain.EnrolmentOpen)
		claim.Request, claim.KeyFile = newRequest(t), "/etc/openvpn/client/rio.key"
		file := Must(w.Enrolments.Claim(from(t), claim))(t)
		text := string(file.Content)
		if strings.Contains(text, "PRIVATE KEY") || !strings.Contains(text, "\nkey /etc/openvpn/client/rio.key\n") {
			t.Errorf("the profile is\n%s", text)
		}
		after := Must(w.Clients.Get(t.Context(), client.ID))(t)
		WantSame(t, after.Serial == client.Serial, false)
		again := Must(w.Enrolments.Claim(from(t), claim))(t)
		WantSame(t, string(again.Content), text)
		WantSame(t, Must(w.Clients.Get(t.Context(), client.ID))(t).Serial, after.Serial)
		w.Clock.Pass(time.Hour + time.Second)
		Check(t, w.Clients.RevokeSuperseded(t.Context()))
		old := Must(w.Store.Certificates().OfSerial(t.Context(), client.CAID, client.Serial))(t)
		WantSame(t, old.Reason, domain.Superseded)
	})
}

// TestEnrolments_Unspent: what no profile can be made of spends no link and issues no certificate.
func TestEnrolments_Unspent(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		client, instance := newSite(t, w)
		made := newLink(t, w, client, instance)
		for format, reason := range map[string]domain.Reason{
			"routeros": domain.ReasonKit, "p12-profile": domain.ReasonRequired, "cisco": domain.ReasonChoice,
		} {
			claim := claimOf(made, string(tokenOne))
			claim.Format = format
			_, err := w.Enrolments.Claim(from(t), claim)
			if faults := domain.Faults(err); len(faults) == 0 || faults[0].Reason != reason {
				t.Errorf("%s: got %v", format, err)
			}
		}
		claim := claimOf(made, string(tokenOne))
		claim.Request, claim.Format = newRequest(t), "p12-profile"
		_, err := w.Enrolments.Claim(from(t), claim)
		WantFaults(t, err, NewFault(domain.Rule, "format", domain.ReasonKit))
		Must(w.Instances.Update(t.Context(), instance.ID, domain.InstanceUpdate{Remotes: &[]string{}}))(t)
		_, err = w.Enrolments.Claim(from(t), claimOf(made, string(tokenOne)))
		WantFaults(t, err, NewFault(domain.Rule, "instance_id", domain.ReasonNoRemotes))
		WantSame(t, Must(w.Clients.Get(t.Context(), client.ID))(t).Serial, client.Serial)
		open := Must(w.Enrolments.Get(t.Context(), client.ID, made.ID))(t)
		WantSame(t, open.State(w.Clock.Now()), domain.EnrolmentOpen)
	})
}
