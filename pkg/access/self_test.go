package access_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

var ownRights = NewFault(domain.Rule, "self", domain.ReasonSelf)

// TestSparingSelf: callers that spare themselves lose nothing by a change of their own, and change
// everything else, others, and themselves when they mean it.
func TestSparingSelf(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	spare := w.NewAPIKey(t)
	restrict := domain.APIKeyUpdate{AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	changes := append([]weakening{
		{"restrict", updateKey(restrict)},
		{"limit", updateKey(domain.APIKeyUpdate{RateLimit: new(10)})},
		{"end the token", rotate(0)},
	}, weakeningKeys...)
	for _, change := range changes {
		t.Run("an apikey: "+change.sentence, func(t *testing.T) {
			key := w.NewAPIKey(t)
			ctx := domain.WithPrincipal(t.Context(), key.Holder().Principal())
			WantFaults(t, change.do(access.SparingSelf(ctx), w, key.ID), ownRights)
			if now := Must(w.APIKeys.Get(Operator(t), key.ID))(t); !now.Enabled || now.Generation != 1 {
				t.Errorf("changed to %+v", now.APIKey)
			}
			other := domain.WithPrincipal(t.Context(), spare.Holder().Principal())
			Check(t, change.do(access.SparingSelf(other), w, w.NewAPIKey(t).ID))
			Check(t, change.do(ctx, w, key.ID))
		})
	}
	for _, change := range weakeningUsers {
		t.Run("a user: "+change.sentence, func(t *testing.T) {
			user := w.NewUser(t, super)
			WantFaults(t, change.do(access.SparingSelf(AsUser(t, user)), w, user.ID), ownRights)
			Check(t, change.do(access.SparingSelf(Operator(t)), w, w.NewUser(t, super).ID))
			Check(t, change.do(AsUser(t, user), w, user.ID))
		})
	}
}

// TestSparingSelf_Roles: a role that is given back takes rights away, another one that grants the
// same does not.
func TestSparingSelf_Roles(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	rights := []domain.Permission{{Scope: domain.ScopeAPIKeys, Read: true, Write: true}}
	first, second := w.NewRole(t, rights...), w.NewRole(t, rights...)
	key := w.NewAPIKey(t, func(k *domain.APIKey) { k.Superuser = false })
	key = Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{Roles: []int64{first.ID}}))(t)
	ctx := access.SparingSelf(domain.WithPrincipal(t.Context(), key.Holder().Principal()))
	Must(w.APIKeys.Update(ctx, key.ID, domain.APIKeyUpdate{Name: new("own"), Roles: []int64{second.ID}}))(t)
	_, err := w.APIKeys.Update(ctx, key.ID, domain.APIKeyUpdate{Roles: []int64{}})
	WantFaults(t, err, ownRights)
	Check(t, rotate(time.Minute)(ctx, w, key.ID))
}

func rotate(overlap time.Duration) func(context.Context, *World, int64) error {
	return func(ctx context.Context, w *World, id int64) error {
		_, err := w.APIKeys.Rotate(ctx, id, overlap)
		return err
	}
}
