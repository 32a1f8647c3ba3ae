package events_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestMayReach: no address that is not public is reached, in whatever form it is written.
func TestMayReach(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.255",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
		"::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "100::1", "2001:db8::1",
		"2001::1", "2002:7f00:1::", "3fff::1", "5f00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "::ffff:0:127.0.0.1",
	} {
		if events.MayReach(netip.MustParseAddr(text), nil) {
			t.Errorf("%s may be reached", text)
		}
	}
	for _, text := range []string{"8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"} {
		if !events.MayReach(netip.MustParseAddr(text), nil) {
			t.Errorf("%s may not be reached", text)
		}
	}
	allowed := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "10.2.0.0": false, "::ffff:10.1.2.3": true, "fd00::1": true, "64:ff9b::10.1.0.1": true, "fe80::1": false,
	} {
		WantSame(t, events.MayReach(netip.MustParseAddr(text), allowed), want)
	}
}

// TestSender_CheckURL: what can't be sent to is refused when the webhook is made.
func TestSender_CheckURL(t *testing.T) {
	t.Parallel()
	none, some := NewWorld(t), world(t)
	for url, want := range map[string][2]domain.Reason{ // without and with networks that are allowed
		"https://hooks.example.com/x": {}, "https://8.8.8.8": {}, "https://[2606:4700::1111]:8443/": {},
		"http://hooks.example.com":    {domain.ReasonWebhookPlain, ""},
		"http://127.0.0.1:80":         {domain.ReasonWebhookPlain, ""},
		"http://8.8.8.8":              {domain.ReasonWebhookPlain, domain.ReasonWebhookAddress},
		"https://127.0.0.1":           {domain.ReasonWebhookAddress, ""},
		"https://[::ffff:127.0.0.1]":  {domain.ReasonWebhookAddress, ""},
		"https://10.0.0.1":            {domain.ReasonWebhookAddress, domain.ReasonWebhookAddress},
		"https://[fe80::1]":           {domain.ReasonWebhookAddress, domain.ReasonWebhookAddress},
		"https://u:p@hooks.example":   {domain.ReasonWebhookURL, domain.ReasonWebhookURL},
		"https://hooks.example/#x":    {domain.ReasonWebhookURL, domain.ReasonWebhookURL},
		"https://hooks.example:0/":    {domain.ReasonWebhookURL, domain.ReasonWebhookURL},
		"https://":                    {domain.ReasonWebhookURL, domain.ReasonWebhookURL},
		"ftp://hooks.example":         {domain.ReasonWebhookURL, domain.ReasonWebhookURL},
		"https://hooks.example/ção":   {domain.ReasonWebhookURL, domain.ReasonWebhookURL},
		"javascript:alert(1)":         {domain.ReasonWebhookURL, domain.ReasonWebhookURL},
		"https://hooks.example/\r\nX": {domain.ReasonWebhookURL, domain.ReasonWebhookURL},
	} {
		for i, w := range []*World{none, some} {
			_, err := w.Webhooks.Create(Operator(t), domain.Webhook{Name: Fresh("hook"), URL: url})
			if want[i] == "" {
				Check(t, err)
				continue
			}
			WantFaults(t, err, NewFault(domain.Invalid, "url", want[i]))
		}
	}
}

// nameServer answers every question for an IPv4 address with the next one of its list.
func nameServer(t testing.TB, addresses ...string) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	Check(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	var asked atomic.Int64
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			question := buffer[12:n]
			end := strings.IndexByte(string(question), 0) + 5
			answer := append([]byte{buffer[0], buffer[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[:end]...)
			if binary.BigEndian.Uint16(question[end-4:]) == 1 { // A
				i := min(asked.Add(1), int64(len(addresses))) - 1
				octets := netip.MustParseAddr(addresses[i]).As4()
				answer[7] = 1
				answer = append(append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), octets[:]...)
			}
			_, _ = socket.WriteTo(answer, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

// TestSender_Rebinding: what counts is the address that is connected to, each time: a name that
// leads elsewhere the second time is refused then.
func TestSender_Rebinding(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	_, port, err := net.SplitHostPort(r.Listener.Addr().String())
	Check(t, err)
	w := NewWorld(t).With(t, func(s *service.Settings) {
		s.Webhooks.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		s.Webhooks.Resolver = nameServer(t, "127.0.0.1", "127.0.0.2", "10.0.0.1")
	})
	made := hook(t, w, "http://rebind.example:"+port)
	got := Must(w.Webhooks.Test(Operator(t), made.ID))(t)
	WantSame(t, []any{got.Status, got.Fault}, []any{204, domain.DeliveryFault("")})
	r.CloseClientConnections()
	for range 2 {
		time.Sleep(20 * time.Millisecond) // the closed connection is noticed
		got = Must(w.Webhooks.Test(Operator(t), made.ID))(t)
		WantSame(t, []any{got.Status, got.Fault}, []any{0, domain.FaultAddress})
	}
	all, _ := r.all()
	WantSame(t, len(all), 1)
}

// TestSender_Faults: failures are told apart.
func TestSender_Faults(t *testing.T) {
	t.Parallel()
	w := world(t)
	plain := receive(t, nil)
	closed := receive(t, nil)
	closed.Close()
	secure := newTLS(t)
	for url, want := range map[string]domain.DeliveryFault{
		closed.URL: domain.FaultConnection, "https" + strings.TrimPrefix(plain.URL, "http"): domain.FaultTLS,
		secure.URL: domain.FaultTLS, "https://name.invalid": domain.FaultName, plain.URL: "",
	} {
		got := Must(w.Webhooks.Test(Operator(t), hook(t, w, url).ID))(t)
		WantSame(t, got.Fault, want)
	}
	trusting := w.With(t, func(s *service.Settings) { s.Webhooks.Roots = rootsOf(secure) })
	got := Must(trusting.Webhooks.Test(Operator(t), hook(t, trusting, secure.URL).ID))(t)
	WantSame(t, []any{got.Status, got.Fault}, []any{http.StatusNoContent, domain.DeliveryFault("")})
}
