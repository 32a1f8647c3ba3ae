package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// userUpdate is a change of a user.
type userUpdate struct {
	domain.ClientUpdate
	domain.UserPlace
}

func userEditable(t *testing.T, w *World) editable {
	t.Helper()
	ctx := Operator(t)
	i := Must(newInstance(ctx, w, w.NewCA(t).ID, Fresh("server")))(t)
	user := Must(w.RemoteUsers.Create(ctx, Spec(i.CAID), domain.UserPlace{InstanceID: &i.ID}))(t)
	values := subject()
	maps.Copy(values, map[string]any{
		"IP": new("10.8.0.77"), "PushRoutes": &[]string{"10.20.0.0/16"},
	})
	return editable{
		user, userUpdate{}, values,
		map[string]string{
			"Name": byCertificate, "CAID": byCertificate, "Expiration": byCertificate,
			"Password": "the key keeps the one it has", "InstanceID": "a user stays", "LANs": "users have none",
		},
		given(map[string]string{
			"Kind": "it never changes", "Serial": byCertificate, "Fingerprint": byCertificate, "KeyAlgorithm": byCertificate,
			"KeyProtected": byOthers, "NotBefore": byCertificate, "ExpiresAt": byCertificate, "RevokedAt": byOthers,
			"Reason": byOthers,
		}),
		func(ctx context.Context, u any) error {
			update := u.(userUpdate)
			return Second(w.RemoteUsers.Update(ctx, user.ID, update.ClientUpdate, update.UserPlace))
		},
		func(ctx context.Context, id int64) (any, error) { return w.RemoteUsers.Get(ctx, id) },
	}
}

// TestAudit_Users: the audit tells of users by one event a change, which says the kind and the
// place.
func TestAudit_Users(t *testing.T) {
	t.Parallel()
	s := &scenario{World: WorldOn(t, NewSQLite(t), slog.DiscardHandler), ctx: From(Operator(t), "2001:db8::1")}
	i := Must(newInstance(s.ctx, s.World, s.NewCA(t).ID, "vpn"))(t)
	before := s.CountEvents(t)
	spec := Spec(i.CAID)
	spec.Name = "ana"
	user := Must(s.RemoteUsers.Create(s.ctx, spec, domain.UserPlace{InstanceID: &i.ID}))(t)
	event := func(action domain.Action, before, after string) {
		t.Helper()
		events := s.Events(t)
		WantEvent(t, events[len(events)-1], domain.Event{
			ActorKind: domain.PrincipalCommand, ActorName: "operator", Address: "2001:db8::1", RequestID: "request-1",
			Operation: "test", Action: action, Resource: domain.ScopeClients, ResourceID: user.ID, ResourceName: "ana",
			Before: before, After: after,
		})
	}
	event(domain.ActionCreate, "", fmt.Sprintf(`{"ca_id":%d,"city":"","country":"","description":"","email":%q,`+
		`"expires_at":"2036-03-01T12:00:00Z","instance_id":%d,"ip":"10.8.0.2","key_protected":false,"kind":"site2user",`+
		`"name":"ana","organization":"","province":"","push_routes":[],"revoked_at":null,"sector":"","serial":%q}`,
		i.CAID, spec.Subject.Email, i.ID, user.Serial))
	record := domain.ClientUpdate{RecordUpdate: domain.RecordUpdate{Description: new("PC")}}
	Must(s.RemoteUsers.Update(s.ctx, user.ID, record, domain.UserPlace{IP: new("10.8.0.9")}))(t)
	event(domain.ActionUpdate, `{"description":"","ip":"10.8.0.2","kind":null}`,
		`{"description":"PC","ip":"10.8.0.9","kind":"site2user"}`)
	Must(s.RemoteUsers.Revoke(s.ctx, user.ID, domain.RevocationSpec{}))(t)
	event(domain.ActionRevoke, "", fmt.Sprintf(`{"ca_id":%d,"kind":"site2user","reason":"unspecified",`+
		`"revoked_at":"2026-03-04T12:00:00Z","serials":[%q]}`, i.CAID, user.Serial))
	renewed := Must(s.RemoteUsers.Renew(s.ctx, user.ID, domain.ClientRenewal{Overlap: new(time.Duration(0))}))(t)
	if renewed.InstanceID != i.ID || renewed.IP != netip.MustParseAddr("10.8.0.9") {
		t.Errorf("the place has changed: %+v", renewed)
	}
	WantSame(t, s.CountEvents(t), before+4)
	WantSame(t, Must(s.Audit.Verify(t.Context()))(t).Whole(), true)
}

// TestRemoteUsers_AtOnce: users and sites that come at once for the last addresses of an instance
// get different ones, and of those who get none nothing is stored.
func TestRemoteUsers_AtOnce(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ctx := Operator(t)
			i := Must(w.Instances.Create(ctx, domain.InstanceSpec{InstanceUpdate: domain.InstanceUpdate{
				CAID: new(w.NewCA(t).ID), Name: new(Fresh("small")), Network: new("10.66.0.0/29"),
			}}))(t)
			site := w.NewClient(t, i.CAID) // 10.66.0.2 to .6 are free
			ips, errs := domaintest.Together(9, func(n int) (netip.Addr, error) {
				if n == 0 {
					config, err := w.Configs.Put(ctx, site.ID, i.ID, domain.ClientConfigUpdate{})
					return config.StaticIP, err
				}
				user, err := w.RemoteUsers.Create(ctx, Spec(i.CAID), domain.UserPlace{InstanceID: &i.ID})
				return user.IP, err
			})
			had := map[netip.Addr]bool{}
			for n, err := range errs {
				if err != nil && !domain.IsKind(err, domain.Rule) {
					t.Error(err)
				}
				if err == nil && (had[ips[n]] || !ips[n].IsValid()) {
					t.Errorf("%v is given twice", ips[n])
				}
				had[ips[n]] = had[ips[n]] || err == nil
			}
			filter := domain.ClientFilter{CAID: i.CAID}
			users := Must(w.RemoteUsers.Page(ctx, filter, domain.PageRequest{Size: 100}))(t)
			for _, user := range users.Items {
				if user.InstanceID != i.ID || !had[user.IP] {
					t.Errorf("%s is at %d, %v", user.Name, user.InstanceID, user.IP)
				}
			}
			sites := 0
			if errs[0] == nil {
				sites = 1
			}
			WantSame(t, len(users.Items)+sites, 5)
		})
	}
}

// TestRemoteUsers_NothingHalf: a user whose place is refused is not there, and the name is free.
func TestRemoteUsers_NothingHalf(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ctx := Operator(t)
			i := Must(newInstance(ctx, w, w.NewCA(t).ID, Fresh("server")))(t)
			spec, events := Spec(i.CAID), w.CountEvents(t)
			refused := func(kind domain.Kind, field string, place domain.UserPlace) {
				t.Helper()
				_, err := w.RemoteUsers.Create(ctx, spec, place)
				if fault, ok := errors.AsType[*domain.Error](err); !ok || fault.Kind != kind || fault.Field != field {
					t.Errorf("%+v: %v", place, err)
				}
			}
			refused(domain.Invalid, "ip", domain.UserPlace{InstanceID: &i.ID, IP: new("10.99.0.1")})
			refused(domain.NotFound, "instance_id", domain.UserPlace{InstanceID: new(i.ID + 100)})
			refused(domain.Rule, "ip", domain.UserPlace{IP: new("10.8.0.3")})
			refused(domain.Rule, "iroutes", domain.UserPlace{LANs: &[]string{"10.1.0.0/16"}})
			other := Spec(w.NewCA(t).ID)
			spec.CAID = other.CAID
			refused(domain.Rule, "instance_id", domain.UserPlace{InstanceID: &i.ID})
			spec.CAID = i.CAID
			WantSame(t, w.CountEvents(t), events+1) // of the other CA
			WantSame(t, Must(w.Store.Clients().NameTaken(ctx, spec.Name, w.Clock.Now()))(t), false)
			Must(w.RemoteUsers.Create(ctx, spec, domain.UserPlace{InstanceID: &i.ID, IP: new("10.8.0.3")}))(t)
		})
	}
}
