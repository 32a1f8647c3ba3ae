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
			ctx := w.RequestOf(t, key.Token, domain.ScopeAPIKeys)
			WantFaults(t, change.do(ctx, w, key.ID, access.SpareSelf), ownRights)
			if now := Must(w.APIKeys.Get(Operator(t), key.ID))(t); !now.Enabled || now.Generation != 1 {
				t.Errorf("changed to %+v", now.APIKey)
			}
			other := w.RequestOf(t, spare.Token, domain.ScopeAPIKeys)
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
	Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{Roles: []int64{first.ID}}))(t)
	ctx := w.RequestOf(t, key.Token, domain.ScopeAPIKeys)
	own := domain.APIKeyUpdate{Name: new("own"), Roles: []int64{second.ID}}
	Must(w.APIKeys.Update(ctx, key.ID, own, access.SpareSelf))(t)
	_, err := w.APIKeys.Update(ctx, key.ID, domain.APIKeyUpdate{Roles: []int64{}}, access.SpareSelf)
	WantFaults(t, err, ownRights)
	Check(t, rotate(time.Minute)(ctx, w, key.ID, access.SpareSelf))
}

// TestSpareSelf_Rotations: a token that lives on because of an overlap can't end itself by a second
// rotation. The new one can make it.
func TestSpareSelf_Rotations(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t)
	old := w.RequestOf(t, key.Token, domain.ScopeAPIKeys)
	again := rotate(time.Hour)
	second := Must(w.APIKeys.Rotate(old, key.ID, time.Hour, access.SpareSelf))(t)
	WantFaults(t, again(old, w, key.ID, access.SpareSelf), ownRights)
	Check(t, again(w.RequestOf(t, second.Token, domain.ScopeAPIKeys), w, key.ID, access.SpareSelf))
	WantOut(t, w, key.Token)
}

func rotate(overlap time.Duration) change {
	return func(ctx context.Context, w *World, id int64, guards ...access.Guard) error {
		_, err := w.APIKeys.Rotate(ctx, id, overlap, guards...)
		return err
	}
}
