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

// TestSpareSelf: callers that spare themselves lose nothing by a change of their own, and change
// everything else, others, and themselves when they mean it.
func TestSpareSelf(t *testing.T) {
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
			WantFaults(t, change.do(ctx, w, key.ID, access.SpareSelf), ownRights)
			if now := Must(w.APIKeys.Get(Operator(t), key.ID))(t); !now.Enabled || now.Generation != 1 {
				t.Errorf("changed to %+v", now.APIKey)
			}
			other := domain.WithPrincipal(t.Context(), spare.Holder().Principal())
			Check(t, change.do(other, w, w.NewAPIKey(t).ID, access.SpareSelf))
			Check(t, change.do(ctx, w, key.ID))
		})
	}
	for _, change := range weakeningUsers {
		t.Run("a user: "+change.sentence, func(t *testing.T) {
			user := w.NewUser(t, super)
			WantFaults(t, change.do(AsUser(t, user), w, user.ID, access.SpareSelf), ownRights)
			Check(t, change.do(Operator(t), w, w.NewUser(t, super).ID, access.SpareSelf))
			Check(t, change.do(AsUser(t, user), w, user.ID))
		})
	}
}

// TestSpareSelf_Roles: a role that is given back takes rights away, another one that grants the
// same does not.
func TestSpareSelf_Roles(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	rights := []domain.Permission{{Scope: domain.ScopeAPIKeys, Read: true, Write: true}}
	first, second := w.NewRole(t, rights...), w.NewRole(t, rights...)
	key := w.NewAPIKey(t, func(k *domain.APIKey) { k.Superuser = false })
	key = Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{Roles: []int64{first.ID}}))(t)
	ctx := domain.WithPrincipal(t.Context(), key.Holder().Principal())
	own := domain.APIKeyUpdate{Name: new("own"), Roles: []int64{second.ID}}
	Must(w.APIKeys.Update(ctx, key.ID, own, access.SpareSelf))(t)
	_, err := w.APIKeys.Update(ctx, key.ID, domain.APIKeyUpdate{Roles: []int64{}}, access.SpareSelf)
	WantFaults(t, err, ownRights)
	Check(t, rotate(time.Minute)(ctx, w, key.ID, access.SpareSelf))
}

func rotate(overlap time.Duration) change {
	return func(ctx context.Context, w *World, id int64, guards ...access.Guard) error {
		_, err := w.APIKeys.Rotate(ctx, id, overlap, guards...)
		return err
	}
}
