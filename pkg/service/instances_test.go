package service_test

import (
	"context"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// newInstance makes an instance with the tunnel network 10.8.0.0/24.
func newInstance(ctx context.Context, w *World, caID int64, name string) (domain.Instance, error) {
	return w.Instances.Create(ctx, domain.InstanceSpec{InstanceUpdate: domain.InstanceUpdate{
		CAID: &caID, Name: &name, Network: new("10.8.0.0/24"),
	}})
}

func instanceEditables(t *testing.T, w *World) map[string]editable {
	t.Helper()
	ctx := Operator(t)
	i := Must(newInstance(ctx, w, w.NewCA(t).ID, Fresh("server")))(t)
	m := Must(w.InstanceModels.Create(ctx, domain.InstanceModel{Name: Fresh("model"), Template: "port {{.Port}}\n"}))(t)
	return map[string]editable{
		"model": {
			m, domain.InstanceModelUpdate{}, map[string]any{"Name": new("another"), "Template": new("proto {{.Proto}}\n")}, nil,
			given(nil),
			func(ctx context.Context, u any) error {
				return Second(w.InstanceModels.Update(ctx, m.ID, u.(domain.InstanceModelUpdate)))
			},
			func(ctx context.Context, id int64) (any, error) { return w.InstanceModels.Get(ctx, id) },
		},
		"instance": {
			i, domain.InstanceUpdate{}, instanceValues(m.ID),
			map[string]string{
				"Name": byCertificate, "CAID": byCertificate, "LDAPAuth": "there is none",
				"VerifyClientDemand": "it can't be otherwise", "DHCPStart": "it counts beside a pool",
				"DHCPEnd": "it counts beside a pool",
			},
			given(map[string]string{
				"CertificateID": byOthers, "Version": byOthers, "RenewAt": byOthers, "ReloadedAt": byOthers,
				"CampaignID": byOthers,
				"ExpiresAt":  byCertificate, "RevokedAt": byOthers, "VerifyClient": "VerifyClientDemand would change it",
				"RenegotiateSecs": "RenegSec changes it", "Extra": "ExtraConf changes it",
			}),
			func(ctx context.Context, u any) error {
				return Second(w.Instances.Update(ctx, i.ID, u.(domain.InstanceUpdate)))
			},
			func(ctx context.Context, id int64) (any, error) { return w.Instances.Get(ctx, id) },
		},
	}
}

// instanceValues returns another value for each field.
func instanceValues(modelID int64) map[string]any {
	values := subject()
	for field, value := range map[string]any{
		"Gateway": new("another"), "ModelID": &modelID, "Port": new(1195), "KeepaliveEvery": new(5),
		"KeepaliveEnd": new(120), "RenegSec": new(0), "RenewBefore": new(60), "Network": new("10.9.0.0/24"),
		"NetworkV6": new("fd00:9::/64"), "Proto": new("tcp"), "TLSProfile": new("compatible"),
		"Control": new("tls-auth"), "DNSServer": new("10.0.0.53"), "DNSDomain": new("example.com"),
		"ExtraConf": new("sndbuf 0"), "DHCPEnabled": new(true), "RemoteRandom": new(true),
		"PushRoutes": &[]string{"10.0.0.0/16"}, "Routes": &[]string{"192.168.1.0/24"},
		"Remotes": &[]string{"vpn.example.com"},
	} {
		values[field] = value
	}
	return values
}

// testInstances: what the audit says of an instance and of a model.
func (s *scenario) testInstances(t *testing.T) {
	const scope, all = domain.ScopeInstances, `{"name":"modelo","template":"port {{.Port}}\n"}`
	ca := s.NewCA(t)
	s.seen = s.CountEvents(t)
	s.want(t, recorded{domain.ActionCreate, domain.ResourceModels, 1, "modelo", "", all}, func(ctx context.Context) error {
		return Second(s.InstanceModels.Create(ctx, domain.InstanceModel{Name: "modelo", Template: "port {{.Port}}\n"}))
	})
	s.want(t, recorded{
		domain.ActionUpdate, domain.ResourceModels, 1, "outro", `{"name":"modelo"}`, `{"name":"outro"}`,
	}, func(ctx context.Context) error {
		return Second(s.InstanceModels.Update(ctx, 1, domain.InstanceModelUpdate{Name: new("outro")}))
	})
	s.want(t, recorded{
		domain.ActionDelete, domain.ResourceModels, 1, "outro", `{"name":"outro","template":"port {{.Port}}\n"}`, "",
	}, func(ctx context.Context) error { return s.InstanceModels.Delete(ctx, 1) })
	_, err := newInstance(Operator(t), s.World, ca.ID, "matriz")
	Check(t, err)
	s.seen = s.CountEvents(t)
	s.want(t, recorded{
		domain.ActionUpdate, scope, 1, "matriz", `{"port":1194,"version":1}`, `{"port":1195,"version":2}`,
	}, func(ctx context.Context) error {
		return Second(s.Instances.Update(ctx, 1, domain.InstanceUpdate{Port: new(1195)}))
	})
}
