package tunnel_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// asked is one agent: what it knows is what it sends.
type asked struct {
	w    *World
	id   int64
	last tunnel.AgentRequest
}

// next returns the next answer, or nil when nothing has changed.
func (a *asked) next(t testing.TB) *tunnel.AgentAnswer {
	t.Helper()
	answer := Must(a.w.Instances.Agent(Operator(t), a.id, a.last))(t)
	if answer.Bundle == nil {
		return nil
	}
	a.last.Tag, a.last.Cursor = answer.Tag, answer.Revoked.Cursor
	return &answer
}

// TestInstances_Agent_Changes: everything that a server has to know is told once.
func TestInstances_Agent_Changes(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ctx := Operator(t)
		ca := w.NewCA(t)
		m := Must(w.InstanceModels.Create(ctx, domain.InstanceModel{
			Name: Fresh("model"), Template: openvpn.DefaultModel,
		}))(t)
		i := create(t, w, ca.ID, func(s *domain.InstanceSpec) { s.ModelID = &m.ID })
		site, other, third := w.NewClient(t, ca.ID), w.NewClient(t, ca.ID), w.NewClient(t, ca.ID)
		a := &asked{w: w, id: i.ID}
		a.next(t)
		for name, change := range map[string]func() error{
			"config": func() error {
				return Second(w.Configs.Put(ctx, site.ID, i.ID, domain.ClientConfigUpdate{}))
			},
			"no config": func() error {
				Must(w.Configs.Put(ctx, other.ID, i.ID, domain.ClientConfigUpdate{}))(t)
				a.next(t)
				return w.Configs.Remove(ctx, other.ID, i.ID)
			},
			"instance": func() error {
				return Second(w.Instances.Update(ctx, i.ID, domain.InstanceUpdate{Port: new(1200)}))
			},
			"model": func() error {
				changed := openvpn.DefaultModel + "# changed\n"
				return Second(w.InstanceModels.Update(ctx, m.ID, domain.InstanceModelUpdate{Template: &changed}))
			},
			"reload":      func() error { return Second(w.Instances.Reload(ctx, i.ID)) },
			"certificate": func() error { return Second(w.Instances.Renew(ctx, i.ID, domain.ServerRenewal{Overlap: new(Day)})) },
			"renewed CA":  func() error { return Second(w.CAs.Renew(ctx, ca.ID, domain.CARenewal{})) },
			"revocation":  func() error { return Second(w.Clients.Revoke(ctx, third.ID, domain.RevocationSpec{})) },
		} {
			if a.next(t) != nil {
				t.Errorf("before %s: something has changed", name)
			}
			w.Clock.Pass(time.Second)
			Check(t, change())
			if a.next(t) == nil {
				t.Errorf("%s: nothing has changed", name)
			}
		}
	})
}

// TestInstances_Agent_Revoked: what was revoked since is listed by name, and nothing twice.
func TestInstances_Agent_Revoked(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ctx := Operator(t)
		ca := w.NewCA(t)
		i := create(t, w, ca.ID)
		one, two := w.NewClient(t, ca.ID), w.NewClient(t, ca.ID)
		Check(t, Second(w.Clients.Revoke(ctx, w.NewClient(t, ca.ID).ID, domain.RevocationSpec{})))
		a := &asked{w: w, id: i.ID}
		want := func(complete bool, names ...string) {
			t.Helper()
			got := a.next(t)
			if got == nil || got.Revoked.Complete != complete {
				t.Fatalf("the answer is %+v", got)
			}
			var listed []string
			for _, r := range got.Revoked.List {
				listed = append(listed, r.Name+" "+r.Reason.String())
			}
			if diff := cmp.Diff(names, listed); diff != "" {
				t.Error(diff)
			}
		}
		want(false)
		Check(t, Second(w.Clients.Revoke(ctx, one.ID, domain.RevocationSpec{Reason: domain.KeyCompromise})))
		Check(t, Second(w.Clients.Suspend(ctx, two.ID)))
		want(true, one.Name+" keyCompromise", two.Name+" certificateHold")
		Check(t, Second(w.Clients.Resume(ctx, two.ID)))
		want(true)
		a.last.Tag = "" // an agent looks at everything again now and then
		want(true)
		for _, cursor := range []string{
			"other" + a.last.Cursor, strings.Replace(a.last.Cursor, ":", ":9", 1), "x", ".", a.last.Cursor + ".",
		} {
			a.last.Tag, a.last.Cursor = "", cursor
			want(false)
		}
	})
}

// TestInstances_Agent_RevokedCA: sessions of any name may be of a CA that is revoked.
func TestInstances_Agent_RevokedCA(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		root := w.NewCA(t)
		sub := Must(w.CAs.Create(Operator(t), domain.CASpec{
			Name: Fresh("sub"), ParentID: root.ID, Subject: domain.Subject{Email: "a@b.c"},
		}))(t)
		i := create(t, w, sub.ID)
		a := &asked{w: w, id: i.ID}
		a.next(t)
		der := Must(w.Store.CAs().Key(t.Context(), sub.ID))(t).Certificate
		Check(t, Second(w.CAs.RevokeSerial(Operator(t), root.ID, domain.SerialRevocation{
			Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		})))
		got := a.next(t)
		if got == nil || len(got.Revoked.List) != 1 || got.Revoked.List[0].Name != "" {
			t.Errorf("the answer is %+v", got)
		}
	})
}

// TestInstances_Agent_Bound: an apikey that is bound to instances gets those only, whatever its
// roles, and there is no more that it may do.
func TestInstances_Agent_Bound(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ca := w.NewCA(t)
		own, other := create(t, w, ca.ID), create(t, w, ca.ID)
		role := w.NewRole(t, Read(domain.ScopeAgent), Write(domain.ScopeClients), Read(domain.ScopeKeys))
		key := Must(w.APIKeys.Create(Operator(t), domain.APIKey{
			Name: Fresh("agent"), Enabled: true, Instances: []int64{own.ID},
		}, []int64{role.ID}))(t)
		caller := w.Authenticate(t, key.Token)
		if !caller.May(domain.ScopeAgent, false) || caller.May(domain.ScopeClients, true) ||
			caller.May(domain.ScopeKeys, false) {
			t.Errorf("the caller may %v", caller.Rights.Permissions())
		}
		ask := func(ctx context.Context, id int64) error {
			return Second(w.Instances.Agent(domain.WithPrincipal(ctx, caller), id, tunnel.AgentRequest{}))
		}
		Check(t, ask(t.Context(), own.ID))
		for _, id := range []int64{other.ID, 999} {
			WantFault(t, ask(t.Context(), id), domain.Forbidden)
		}
	})
}

// TestInstances_Agent_Keys: the keys are in the answer only where they were asked for, and their
// tag changes with them alone.
func TestInstances_Agent_Keys(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		i := create(t, w, w.NewCA(t).ID)
		a := &asked{w: w, id: i.ID}
		has := func(answer *tunnel.AgentAnswer) (keys int) {
			for _, f := range answer.Bundle.Files {
				if f.Secret {
					keys++
				}
			}
			return keys
		}
		first := a.next(t)
		a.last.Tag, a.last.Keys = "", true
		second := a.next(t)
		for _, f := range first.Bundle.Files {
			same := func(other tunnel.File) bool { return bytes.Equal(other.Content, f.Content) }
			if !slices.ContainsFunc(second.Bundle.Files, same) {
				t.Errorf("%s differs without the keys", f.Name)
			}
		}
		if has(first) != 0 || has(second) != 2 || first.KeyTag != second.KeyTag || first.Tag != second.Tag {
			t.Errorf("%d and %d keys", has(first), has(second))
		}
		w.Clock.Pass(time.Second)
		Must(w.Instances.Update(Operator(t), i.ID, domain.InstanceUpdate{Port: new(1200)}))(t)
		if same := a.next(t); same.KeyTag != first.KeyTag {
			t.Error("another port has another tag of the keys")
		}
		w.Clock.Pass(time.Second)
		Must(w.Instances.Update(Operator(t), i.ID, domain.InstanceUpdate{Control: new("tls-auth")}))(t)
		if changed := a.next(t); changed.KeyTag == first.KeyTag {
			t.Error("another control key has the same tag of the keys")
		}
	})
}

// TestInstances_Agent_Campaign: the agent asks for the keys again when a campaign gives the server
// another one, which for a key of the same kind is at its end.
func TestInstances_Agent_Campaign(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		i := create(t, w, w.NewCA(t).ID)
		fetch(t, w, i, newSite(t, w, i), "")
		a := &asked{w: w, id: i.ID, last: tunnel.AgentRequest{Keys: true}}
		key := func(answer *tunnel.AgentAnswer) string {
			for _, f := range answer.Bundle.Files {
				if f.Name == "control.key" {
					return string(f.Content)
				}
			}
			t.Fatal("there is no control.key")
			return ""
		}
		before := a.next(t)
		w.Clock.Pass(time.Second)
		i = Must(w.Instances.RotateControlKey(Operator(t), i.ID))(t)
		during := a.next(t)
		if key(during) != key(before) {
			t.Error("the server has another key while sites have the earlier one")
		}
		w.Clock.Pass(time.Second)
		Must(w.Campaigns.End(Operator(t), i.ID, i.CampaignID, true))(t)
		after := a.next(t)
		if after.KeyTag == during.KeyTag || key(after) == key(before) {
			t.Error("the server keeps the earlier key after the campaign")
		}
	})
}
