package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// crossing is what many change at once, on several replicas: each change is of rows that others
// change in another order.
type crossing struct {
	replicas  []*World
	as        []context.Context // of the callers at each replica
	authority domain.CA
	instance  domain.Instance
	sites     []domain.Client
	roles     []domain.Role
	keys      []domain.APIKey
}

func newCrossing(t *testing.T, w *World) *crossing {
	t.Helper()
	ctx := Operator(t)
	c := &crossing{authority: w.NewCA(t)}
	c.instance = Must(newInstance(ctx, w, c.authority.ID, Fresh("server")))(t)
	for range 3 {
		c.sites = append(c.sites, w.NewClient(t, c.authority.ID))
		c.roles = append(c.roles, Must(w.Roles.Create(ctx, domain.Role{
			Name: Fresh("role"), Scopes: []domain.Permission{Read(domain.ScopeCAs)},
		}))(t))
		c.keys = append(c.keys, w.NewAPIKey(t, Weak).APIKey)
	}
	for range 3 {
		caller, replica := w.NewAPIKey(t), w.Replica(t)
		principal := Must(replica.Access.Authenticate(t.Context(), caller.Token, auth.Access, auth.Refresh))(t)
		c.replicas = append(c.replicas, replica)
		c.as = append(c.as, domain.WithPrincipal(t.Context(), principal))
	}
	return c
}

// crossedChange is a change by one of the replicas. round tells its calls apart.
type crossedChange struct {
	name string
	do   func(ctx context.Context, c *crossing, w *World, i, round int) error
}

var crossedChanges = []crossedChange{
	{"upserts of a few devices", func(ctx context.Context, _ *crossing, w *World, i, round int) error {
		spec := DeviceSpec(fmt.Sprint("host ", (i+round)%3))
		spec.IP = fmt.Sprintf("10.1.%d.%d", i, round)
		spec.Model, spec.Site = fmt.Sprint("model ", round%4), fmt.Sprint("site ", i%2)
		return Second(w.Devices.Upsert(ctx, spec, nil))
	}},
	{"an import of the same devices", func(ctx context.Context, _ *crossing, w *World, i, round int) error {
		var file strings.Builder
		file.WriteString("hostname,ip,model,type,vendor,site\n")
		for n := range 3 {
			fmt.Fprintf(&file, "host %d,10.2.%d.%d,model %d,Server,Red Hat,Cloud\n", (n*(i%2+1)+round)%3, i, round, n)
		}
		return Second(w.Devices.Import(ctx, strings.NewReader(file.String()), true))
	}},
	{"roles of apikeys", func(ctx context.Context, c *crossing, w *World, i, round int) error {
		roles := []int64{c.roles[(i+round)%3].ID, c.roles[(i+round+1+i%2)%3].ID}
		return Second(w.APIKeys.Update(ctx, c.keys[(i+round)%3].ID, domain.APIKeyUpdate{Roles: roles}))
	}},
	{"a role", func(ctx context.Context, c *crossing, w *World, i, round int) error {
		update := domain.RoleUpdate{Scopes: []domain.Permission{Read(domain.Scopes()[(i+round)%4].Scope)}}
		return Second(w.Roles.Update(ctx, c.roles[round%3].ID, update))
	}},
	{"a site", func(ctx context.Context, c *crossing, w *World, i, round int) error {
		lan := []string{fmt.Sprintf("192.168.%d.0/24", 8*((i+round)%3)+round%8)}
		update := domain.ClientConfigUpdate{LANs: &lan}
		return Second(w.Configs.Put(ctx, c.sites[(i+round)%3].ID, c.instance.ID, update))
	}},
	{"the instance", func(ctx context.Context, c *crossing, w *World, i, round int) error {
		update := domain.InstanceUpdate{KeepaliveEvery: new(5 + (i+round)%20)}
		return Second(w.Instances.Update(ctx, c.instance.ID, update))
	}},
	{"a client", func(ctx context.Context, c *crossing, w *World, i, round int) error {
		update := domain.ClientUpdate{RecordUpdate: domain.RecordUpdate{Description: new(fmt.Sprint(i, round))}}
		return Second(w.Clients.Update(ctx, c.sites[round%3].ID, update))
	}},
	{"a renewal", func(ctx context.Context, c *crossing, w *World, _, round int) error {
		return Second(w.Clients.Renew(ctx, c.sites[round%3].ID, domain.ClientRenewal{}))
	}},
	{"a life", func(ctx context.Context, c *crossing, w *World, _, _ int) error {
		client, err := w.Clients.Create(ctx, Spec(c.authority.ID))
		if err != nil {
			return err
		}
		return Second(w.Clients.Revoke(ctx, client.ID, domain.RevocationSpec{}))
	}},
	{"a batch", func(ctx context.Context, c *crossing, w *World, _, _ int) error {
		batch := domain.ClientBatch{
			Rows:  []domain.ClientRow{{Spec: Spec(c.authority.ID)}, {Spec: Spec(c.authority.ID)}},
			Place: func(row int) string { return fmt.Sprint(row) },
		}
		return Second(w.Clients.CreateMany(ctx, batch, nil))
	}},
	{"a list", func(ctx context.Context, c *crossing, w *World, _, _ int) error {
		return Second(w.CRLs.Current(ctx, c.authority.ID))
	}},
}

// TestCrossedChanges: changes of the same rows by several replicas, in any order, all succeed, are
// done once and leave the audit whole, whatever isolation the database has.
func TestCrossedChanges(t *testing.T) {
	t.Parallel()
	for engine, open := range map[string]func(testing.TB) *store.Store{
		"read committed": NewPostgres, "serializable": NewSerializable,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			w.Store.Rehearse(false) // so that they meet as they would
			c := newCrossing(t, w)
			const rounds = 6
			before, repeated := w.CountEvents(t), w.Store.Retried(store.RetryOrder)
			Check(t, Together(2*len(crossedChanges), func(i int) error {
				change := crossedChanges[i%len(crossedChanges)]
				for round := range rounds {
					if err := change.do(c.as[i%3], c, c.replicas[i%3], i, round); err != nil {
						return fmt.Errorf("%s: %w", change.name, err)
					}
				}
				return nil
			}))
			events := w.CountEvents(t)
			report := Must(w.Audit.Verify(t.Context()))(t)
			if report.Events != int64(events) || len(report.Problems) > 0 {
				t.Errorf("the audit of %d events: %+v", events, report)
			}
			wantDoneOnce(t, w, c, before, 2*rounds)
			if n := w.Store.Retried(store.RetryOrder) - repeated; (n > 0) != (engine == "serializable") {
				t.Errorf("%d tries were repeated", n)
			}
		})
	}
}

// wantDoneOnce counts what was made by each of so many calls.
func wantDoneOnce(t *testing.T, w *World, c *crossing, before, calls int) {
	t.Helper()
	filter := domain.ClientFilter{CAID: c.authority.ID}
	list := Must(w.Clients.Page(t.Context(), filter, domain.PageRequest{Size: 100}))(t).Items
	revoked := 0
	for _, one := range list {
		if one.Revoked() {
			revoked++
		}
	}
	WantSame(t, []int{len(list), revoked}, []int{len(c.sites) + 3*calls, calls})
	made := map[string]int{}
	for _, e := range w.Events(t)[before:] {
		made[fmt.Sprint(e.Action, " ", e.Resource, " ", e.ResourceID, " ", e.After)]++
	}
	for what, n := range made {
		if n > 1 && strings.HasPrefix(what, fmt.Sprint(domain.ActionCreate)) {
			t.Errorf("%d times: %s", n, what)
		}
	}
}
