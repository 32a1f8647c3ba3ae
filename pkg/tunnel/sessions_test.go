package tunnel_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// gatewayOf is an instance with sites, and its agent.
type gatewayOf struct {
	w     *World
	i     domain.Instance
	sites []domain.Client
	mark  string
}

func newGateway(t testing.TB, w *World, sites int) *gatewayOf {
	t.Helper()
	ca := w.NewCA(t)
	g := &gatewayOf{w: w, i: create(t, w, ca.ID)}
	for range sites {
		site := w.NewClient(t, ca.ID)
		Must(w.Configs.Put(Operator(t), site.ID, g.i.ID, domain.ClientConfigUpdate{}))(t)
		g.sites = append(g.sites, site)
	}
	return g
}

// seen is the session of a site.
func (g *gatewayOf) seen(site int) domain.SeenSession {
	return domain.SeenSession{
		SessionKey: domain.SessionKey{Number: int64(site), Since: g.w.Clock.Now().Add(-time.Minute).Unix()},
		Name:       g.sites[site].Name, Real: netip.MustParseAddrPort("192.0.2.7:51088"),
		Address: netip.AddrFrom4([4]byte{10, 8, 0, byte(site + 2)}),
	}
}

func (g *gatewayOf) report(t testing.TB, r tunnel.Report) {
	t.Helper()
	r.At, r.Interval, r.Looked, r.Up = g.w.Clock.Now(), 30, true, true
	g.mark = Must(g.w.Sessions.Report(Operator(t), g.i.ID, r))(t).Mark
}

// all tells that the sites are connected, and nobody else.
func (g *gatewayOf) all(t testing.TB, list ...domain.SeenSession) {
	t.Helper()
	g.report(t, tunnel.Report{Sessions: list})
}

func (g *gatewayOf) state(t testing.TB, site int) domain.Connection {
	t.Helper()
	id := g.sites[site].ID
	return Must(g.w.Sessions.Connections(t.Context(), id))(t)[id]
}

func (g *gatewayOf) want(t testing.TB, site int, want domain.Connected) {
	t.Helper()
	if got := g.state(t, site).State; got != want {
		t.Errorf("site %d is %s, not %s", site, got, want)
	}
}

// told are the events of the stream of the types, with whether the session was killed.
func (g *gatewayOf) told(t testing.TB, types ...domain.EventType) (list []string) {
	t.Helper()
	Must(g.w.Stream.Page(Operator(t), domain.StreamFilter{}, domain.PageRequest{Size: 1}, 0))(t)
	for _, e := range Must(g.w.Store.Events().After(t.Context(), 0, 10_000))(t) {
		if !slices.Contains(types, e.Type) {
			continue
		}
		var data domain.EventData
		Check(t, json.Unmarshal([]byte(e.Data), &data))
		line := string(e.Type) + " " + e.ResourceName
		if data.Killed {
			line += " killed"
		}
		list = append(list, line)
	}
	return list
}

// TestSessions_Report: sessions begin and end as reports say, whole ones and differences.
func TestSessions_Report(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		g := newGateway(t, w, 4)
		g.want(t, 0, domain.ConnectedUnknown)
		one, two, three := g.seen(0), g.seen(1), g.seen(2)
		g.all(t, one, two)
		first := g.mark
		for site, want := range []domain.Connected{domain.ConnectedYes, domain.ConnectedYes, domain.ConnectedNo} {
			g.want(t, site, want)
		}
		g.report(t, tunnel.Report{Base: g.mark})
		if g.mark != first {
			t.Error("a report of no change has changed the mark")
		}
		w.Clock.Pass(time.Second)
		two.BytesIn = 9
		g.report(t, tunnel.Report{
			Base: g.mark, Sessions: []domain.SeenSession{three, g.seen(3)}, Ended: []domain.SeenSession{two},
		})
		g.want(t, 1, domain.ConnectedNo)
		g.want(t, 2, domain.ConnectedYes)
		g.report(t, tunnel.Report{Base: first, Sessions: []domain.SeenSession{two}})
		if g.mark != "" {
			t.Error("a difference from something else was taken")
		}
		g.want(t, 1, domain.ConnectedNo)
		g.all(t, three)
		g.want(t, 0, domain.ConnectedNo)
		g.want(t, 2, domain.ConnectedYes)
		page := Must(w.Sessions.PageOf(t.Context(), domain.Site2Site, g.sites[1].ID, domain.PageRequest{Size: 10}))(t)
		s := page.Items[0]
		if len(page.Items) != 1 || s.BytesIn != 9 || s.EndedAt.IsZero() || s.State != domain.ConnectedNo {
			t.Errorf("the history is %+v", page.Items)
		}
		connected, disconnected := "client.connected ", "client.disconnected "
		want := []string{
			connected + g.sites[0].Name, connected + g.sites[1].Name, disconnected + g.sites[1].Name,
			connected + g.sites[2].Name, connected + g.sites[3].Name, disconnected + g.sites[0].Name,
			disconnected + g.sites[3].Name,
		}
		got := g.told(t, domain.EventClientConnected, domain.EventClientDisconnected)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestSessions_Parts: many sessions are told in several reports, each with all up to a number.
func TestSessions_Parts(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		g := newGateway(t, w, 5)
		g.all(t, g.seen(0), g.seen(2), g.seen(4))
		g.report(t, tunnel.Report{Sessions: []domain.SeenSession{g.seen(1)}, Upto: new(int64(1))})
		g.want(t, 4, domain.ConnectedYes)
		g.report(t, tunnel.Report{Base: g.mark, Sessions: []domain.SeenSession{g.seen(3)}, After: new(int64(1))})
		for site, connected := range []bool{false, true, false, true, false} {
			if (g.state(t, site).State == domain.ConnectedYes) != connected {
				t.Errorf("site %d is %s", site, g.state(t, site).State)
			}
		}
	})
}

// TestSessions_Silence: what is not confirmed in time is unknown, and that an agent is silent is
// told once over all replicas; so is that it is back.
func TestSessions_Silence(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		g := newGateway(t, w, 2)
		replica := w.Replica(t)
		look := func() {
			for _, one := range []*World{w, replica, w} {
				Check(t, one.Sessions.Watch(t.Context()))
			}
		}
		look()
		g.all(t, g.seen(0))
		at := w.Clock.Now()
		for range 6 { // 60 seconds: two intervals
			w.Clock.Pass(10 * time.Second)
			look()
		}
		w.Clock.Pass(5 * time.Second)
		look()
		g.want(t, 0, domain.ConnectedYes)
		g.want(t, 1, domain.ConnectedNo)
		w.Clock.Pass(time.Second)
		g.want(t, 0, domain.ConnectedUnknown)
		g.want(t, 1, domain.ConnectedUnknown)
		if seen := g.state(t, 0).LastSeen; !seen.Equal(at) {
			t.Errorf("last seen at %s, not %s", seen, at)
		}
		look()
		look()
		g.report(t, tunnel.Report{Base: g.mark})
		g.want(t, 0, domain.ConnectedYes)
		want := []string{"agent.silent " + g.i.Name, "agent.recovered " + g.i.Name}
		if diff := cmp.Diff(want, g.told(t, domain.EventAgentSilent, domain.EventAgentRecovered)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestSessions_Silence_Away: a service that did not run makes no agent silent.
func TestSessions_Silence_Away(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		g := newGateway(t, w, 1)
		g.all(t, g.seen(0))
		w.Clock.Pass(time.Hour)
		later := w.Replica(t)
		Check(t, later.Sessions.Watch(t.Context()))
		g.want(t, 0, domain.ConnectedUnknown)
		g.report(t, tunnel.Report{Base: g.mark})
		if got := g.told(t, domain.EventAgentSilent); len(got) != 0 {
			t.Error(got)
		}
	})
}

// TestSessions_Kill: the agent learns which session is to end, until it has.
func TestSessions_Kill(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ctx := Operator(t)
		g := newGateway(t, w, 2)
		g.all(t, g.seen(0), g.seen(1))
		a := &asked{w: w, id: g.i.ID}
		a.next(t)
		filter := domain.SessionFilter{InstanceID: g.i.ID, Name: g.sites[1].Name}
		page := Must(w.Sessions.Page(ctx, filter, domain.PageRequest{Size: 9}))(t)
		id := page.Items[0].ID
		if s := Must(w.Sessions.Kill(ctx, g.i.ID, id))(t); s.KillAt.IsZero() || s.State != domain.ConnectedYes {
			t.Errorf("%+v", s)
		}
		answer := a.next(t)
		if answer == nil || len(answer.Kill) != 1 || answer.Kill[0].ID != id || answer.Kill[0].Number != 1 {
			t.Fatalf("the agent is told %+v", answer)
		}
		Check(t, Second(w.Sessions.Kill(ctx, g.i.ID, id)))
		if a.next(t) != nil {
			t.Error("to ask again has changed something")
		}
		g.report(t, tunnel.Report{Base: g.mark, Ended: []domain.SeenSession{g.seen(1)}})
		WantFaults(t, Second(w.Sessions.Kill(ctx, g.i.ID, id)), NewFault(domain.Rule, "session_id", domain.ReasonSessionEnded))
		WantFaults(t, Second(w.Sessions.Kill(ctx, g.i.ID+1, id)), NewFault(domain.Missing, "id", domain.ReasonNotFound))
		want := []string{"session.kill_requested " + g.sites[1].Name, "client.disconnected " + g.sites[1].Name + " killed"}
		if diff := cmp.Diff(want, g.told(t, domain.EventSessionKill, domain.EventClientDisconnected)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestSessions_Status: files and lists that are not the present ones are behind.
func TestSessions_Status(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ctx := Operator(t)
		g := newGateway(t, w, 1)
		state := Must(w.Instances.Agent(ctx, g.i.ID, tunnel.AgentRequest{}))(t)
		numbers := Must(w.CRLs.Numbers(ctx, g.i.CAID))(t)
		list := domain.ListInPlace{Issuer: numbers[0].Issuer, Number: numbers[0].Number.String()}
		facts := domain.AgentFacts{Tag: state.Tag, Lists: []domain.ListInPlace{list}}
		g.report(t, tunnel.Report{AgentFacts: facts, Sessions: []domain.SeenSession{g.seen(0)}})
		s := Must(w.Sessions.Status(ctx, g.i.ID))(t)
		if s.Agent.State(s.At) != domain.AgentOK || s.Sessions != 1 || s.Tag != s.Agent.Tag || s.Lists[0].Behind() {
			t.Errorf("%+v", s)
		}
		w.Clock.Pass(time.Second)
		Check(t, Second(w.Clients.Revoke(ctx, g.sites[0].ID, domain.RevocationSpec{})))
		Must(w.Instances.Agent(ctx, g.i.ID, tunnel.AgentRequest{}))(t) // signs the list
		if s := Must(w.Sessions.Status(ctx, g.i.ID))(t); s.Tag == s.Agent.Tag || !s.Lists[0].Behind() {
			t.Errorf("%+v", s)
		}
	})
}

// TestSessions_Deleted: an instance goes with its agent and its sessions.
func TestSessions_Deleted(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		g := newGateway(t, w, 1)
		g.all(t, g.seen(0))
		Check(t, w.Instances.Delete(Operator(t), g.i.ID, true))
		g.want(t, 0, domain.ConnectedUnknown)
		_, err := w.Sessions.Report(Operator(t), g.i.ID, tunnel.Report{})
		WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	})
}

// TestSessions_Forget: what ended long ago is removed, and when a client was last seen stays.
func TestSessions_Forget(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		g := newGateway(t, w, 1)
		g.all(t, g.seen(0))
		g.all(t)
		at := w.Clock.Now()
		w.Clock.Pass(tunnel.DefaultSessionLife + time.Hour)
		Check(t, w.Sessions.Forget(t.Context()))
		page := Must(w.Sessions.PageOf(t.Context(), domain.Site2Site, g.sites[0].ID, domain.PageRequest{Size: 10}))(t)
		if len(page.Items) != 0 {
			t.Errorf("%+v are left", page.Items)
		}
		if seen := g.state(t, 0).LastSeen; !seen.Equal(at) {
			t.Errorf("last seen at %s, not %s", seen, at)
		}
	})
}
