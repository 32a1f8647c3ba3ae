package access

import (
	"context"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Callers reads the rights of the caller again.
type Callers struct{ Now func() time.Time }

// Confirm checks the caller again by the cached state, and returns a context with the caller's
// present rights: since it was authenticated, the request may have taken long to arrive. Errors: as
// for Authenticate.
func (s *Authenticator) Confirm(ctx context.Context) (context.Context, error) {
	caller := domain.PrincipalOf(ctx)
	if caller.Proof.Point == (domain.AccessPoint{}) {
		return ctx, nil
	}
	k, err := s.knowledge(ctx)
	if err != nil {
		return ctx, err
	}
	found, err := k.holder(ctx, s.Store, holderID{caller.Kind, caller.ID})
	if err != nil {
		return ctx, err
	}
	return s.Callers.confirmed(ctx, found, k.Point)
}

// Reread is Confirm by the state of the database, which is read through tx. The result holds until
// somebody changes access rights; inside [Control.Change] no other transaction can. The access
// point is read first: the rights may be newer than the point, and are not older.
func (c *Callers) Reread(ctx context.Context, tx domain.Store) (context.Context, error) {
	caller := domain.PrincipalOf(ctx)
	if caller.Proof.Point == (domain.AccessPoint{}) {
		return ctx, nil
	}
	point, err := tx.AccessControl().Point(ctx)
	if err != nil {
		return ctx, err
	}
	if caller.Kind == domain.PrincipalPAM {
		return c.rereadAuthorization(ctx, tx, point)
	}
	found, err := readHolder(ctx, tx, holderID{caller.Kind, caller.ID})
	if err != nil {
		return ctx, err
	}
	return c.confirmed(ctx, found, point)
}

// confirmed replaces the authenticated caller by its present state, if the proof is still valid and
// the caller still has the rights that the request needs.
func (c *Callers) confirmed(ctx context.Context, found knownHolder, point domain.AccessPoint) (context.Context, error) {
	before := domain.PrincipalOf(ctx)
	if found.missing {
		return ctx, Unauthenticated(fmt.Errorf("%s %d is gone", before.Kind, before.ID))
	}
	if err := c.good(ctx, found.Holder, before.Proof); err != nil {
		return ctx, err
	}
	return renewed(ctx, found.Holder.Principal(), point)
}

func renewed(ctx context.Context, caller domain.Principal, point domain.AccessPoint) (context.Context, error) {
	before := domain.PrincipalOf(ctx)
	caller.Proof, caller.Needs = before.Proof, before.Needs
	caller.Proof.Point = point
	return domain.WithPrincipal(ctx, caller), caller.Check()
}

// good returns the reason why a proof is no longer valid; nil means that it is.
func (c *Callers) good(ctx context.Context, h domain.Holder, proof domain.Proof) error {
	now, address := c.Now(), domain.OriginOf(ctx).Address
	switch {
	case !h.Active(now):
		return Unauthenticated(fmt.Errorf("%s %d is disabled or has expired", h.Kind, h.ID))
	case !h.Accepts(proof.Generation, now):
		return Unauthenticated(fmt.Errorf("credential of an earlier generation of %s %d", h.Kind, h.ID))
	case !h.Bound(proof.Generation, proof.Passing, proof.Bound):
		return Unauthenticated(
			fmt.Errorf("credential of another %s with the id %d, or one that was ended", h.Kind, h.ID),
		)
	case !proof.Until.IsZero() && !now.Before(proof.Until):
		return Unauthenticated(fmt.Errorf("the token of %s %d has expired", h.Kind, h.ID))
	case !h.Admits(address):
		return notFrom(h, address)
	}
	return nil
}

// rereadAuthorization is Reread for an authorization of the vault.
func (c *Callers) rereadAuthorization(
	ctx context.Context, tx domain.Store, point domain.AccessPoint,
) (context.Context, error) {
	before := domain.PrincipalOf(ctx)
	a, err := tx.PAMAuthorizations().Get(ctx, before.ID)
	if domain.IsKind(err, domain.Missing) {
		err = Unauthenticated(fmt.Errorf("authorization %d is gone", before.ID))
	}
	if err == nil {
		err = c.good(ctx, a.Holder(), before.Proof)
	}
	if err == nil {
		err = a.Check(before.Needs.Write)
	}
	if err != nil {
		return ctx, err
	}
	caller := a.Principal()
	caller.Proof, caller.Needs = before.Proof, before.Needs
	caller.Proof.Point = point
	return domain.WithPrincipal(ctx, caller), nil
}
