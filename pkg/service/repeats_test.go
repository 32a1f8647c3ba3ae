package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// keyedUse is a use case whose result is kept.
type keyedUse struct {
	name string
	// late is what it gives when it is done a second time: a fault of this kind, or nothing new.
	late domain.Kind
	do   func(ctx context.Context, w *World) (any, error)
}

// keyedUses has one for each way in which a result is kept.
func keyedUses(t *testing.T, w *World) []keyedUse {
	t.Helper()
	authority, key := w.NewCA(t), w.NewAPIKey(t)
	authorization := w.NewAuthorization(t, domain.AuthOAuth1, func(*domain.PAMAuthorization) {})
	many := manySpecs(authority.ID)
	spec, role := Spec(authority.ID), Fresh("role")
	device := Must(w.Devices.Upsert(Operator(t), DeviceSpec(Fresh("host")), nil))(t).After
	Must(w.Devices.SetEnabled(Operator(t), device.ID, false))(t)
	client, held := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
	Must(w.Clients.Suspend(Operator(t), held.ID))(t)
	return []keyedUse{
		{"a renewal", 0, func(ctx context.Context, w *World) (any, error) {
			return w.Clients.Renew(ctx, client.ID, domain.ClientRenewal{})
		}},
		{"a suspension", 0, func(ctx context.Context, w *World) (any, error) { return w.Clients.Suspend(ctx, client.ID) }},
		{"a resumption", 0, func(ctx context.Context, w *World) (any, error) { return w.Clients.Resume(ctx, held.ID) }},
		{"a revocation", 0, func(ctx context.Context, w *World) (any, error) {
			return w.Clients.Revoke(ctx, held.ID, domain.RevocationSpec{Reason: domain.KeyCompromise})
		}},
		{"a role", domain.Duplicated, func(ctx context.Context, w *World) (any, error) {
			return w.Roles.Create(ctx, domain.Role{Name: role})
		}},
		{"a client", domain.Duplicated, func(ctx context.Context, w *World) (any, error) { return w.Clients.Create(ctx, spec) }},
		{"a batch", domain.Duplicated, func(ctx context.Context, w *World) (any, error) {
			return idempotency.Do(ctx, w.Results, func() (serials []string, err error) {
				_, err = w.Clients.CreateMany(ctx, many, func(done []domain.BatchedClient) any {
					serials = []string{done[0].Client.Serial}
					return serials
				})
				return serials, err
			})
		}},
		{"a token", 0, func(ctx context.Context, w *World) (any, error) {
			issued, err := w.APIKeys.Rotate(ctx, key.ID, time.Hour)
			return []any{issued.APIKey, string(issued.Token)}, err
		}},
		{"secrets", 0, func(ctx context.Context, w *World) (any, error) {
			issued, err := w.Authorizations.Rotate(ctx, authorization.ID, time.Hour)
			return []any{issued.PAMAuthorization, string(issued.Secret), string(issued.TokenSecret)}, err
		}},
		{"a device", 0, func(ctx context.Context, w *World) (any, error) {
			return w.Devices.SetEnabled(ctx, device.ID, true)
		}},
	}
}

// manySpecs is a batch of one new client.
func manySpecs(caID int64) domain.ClientBatch {
	return domain.ClientBatch{
		Rows:  []domain.ClientRow{{Spec: Spec(caID)}},
		Place: func(row int) string { return fmt.Sprintf("clients[%d]", row) },
	}
}

func withKey(ctx context.Context, key string) context.Context {
	return domain.WithOrigin(ctx, domain.Origin{Key: domain.RequestKey{Value: key, Digest: [32]byte{1}}})
}

// TestRepeats: repeats get the result of the first request, whichever replica they reach, while it
// runs and after it, until it is too old.
func TestRepeats(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			replicas := []*World{w, w.Replica(t)}
			for _, use := range keyedUses(t, w) {
				t.Run(use.name, func(t *testing.T) { testRepeats(t, replicas, use) })
			}
		})
	}
}

func testRepeats(t *testing.T, replicas []*World, use keyedUse) {
	w, ctx := replicas[0], withKey(Operator(t), Fresh("key"))
	before := w.CountEvents(t)
	results := make([]any, 8)
	Check(t, Together(len(results), func(i int) (err error) {
		results[i], err = use.do(ctx, replicas[i%2])
		return err
	}))
	for _, result := range results {
		WantSame(t, result, results[0])
	}
	WantSame(t, w.CountEvents(t), before+1)
	w.Clock.Pass(domain.RequestKeyLife)
	Check(t, w.Results.Forget(t.Context()))
	WantSame(t, Must(use.do(ctx, w))(t), results[0])
	w.Clock.Pass(time.Microsecond)
	if late := Second(use.do(ctx, w)); use.late != 0 {
		WantFault(t, late, use.late)
	} else {
		Check(t, late)
	}
}

// TestRepeats_Sealed: what is kept of a request has no secret in clear.
func TestRepeats_Sealed(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			w.NewAPIKey(t)
			key := Must(w.APIKeys.Create(withKey(Operator(t), "1"), domain.APIKey{Name: "a", Enabled: true}, nil))(t)
			application := Must(w.Applications.Create(
				Operator(t), domain.Application{Name: "b", Method: domain.AuthOAuth1, Enabled: true},
			))(t)
			issued := Must(w.Authorizations.Create(
				withKey(Operator(t), "2"), domain.PAMAuthorization{ApplicationID: application.ID, Name: "c", Enabled: true},
			))(t)
			const password = "uma senha bem longa, e rara"
			Must(w.Users.Create(withKey(Operator(t), "3"), domain.User{Username: "d", Enabled: true}, password, nil))(t)
			for where, text := range Written(t, w.Store) {
				WantNone(t, where, text, []Needle{
					NewNeedle("token", []byte(key.Token)), NewNeedle("secret", []byte(issued.Secret)),
					NewNeedle("token secret", []byte(issued.TokenSecret)), NewNeedle("password", []byte(password)),
				})
			}
		})
	}
}
