package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Confirm looks again at who makes the request, by what is known, and returns a context with what they may do by now: since they were
// authenticated, the request may have been long in coming. Errors: as Authenticate.
func (s *Access) Confirm(ctx context.Context) (context.Context, error) {
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
	return s.confirmed(ctx, found, k.point)
}

// reread is Confirm by what the database has, which is looked at through tx. What it finds is true until somebody changes who may do what; inside
// Control nobody else can. The point is read first: the rights may be newer than that, and are not older.
func (s *Access) reread(ctx context.Context, tx domain.Store) (context.Context, error) {
	caller := domain.PrincipalOf(ctx)
	if caller.Proof.Point == (domain.AccessPoint{}) {
		return ctx, nil
	}
	point, err := tx.AccessControl().Point(ctx)
	if err != nil {
		return ctx, err
	}
	if caller.Kind == domain.PrincipalPAM {
		return s.rereadAuthorization(ctx, tx, point)
	}
	found, err := readHolder(ctx, tx, holderID{caller.Kind, caller.ID})
	if err != nil {
		return ctx, err
	}
	return s.confirmed(ctx, found, point)
}

// confirmed puts the caller as it is now in the place of the one that was authenticated, if the proof is still good and the right still there.
func (s *Access) confirmed(ctx context.Context, found knownHolder, point domain.AccessPoint) (context.Context, error) {
	before := domain.PrincipalOf(ctx)
	if found.missing {
		return ctx, unauthenticated(fmt.Errorf("%s %d is gone", before.Kind, before.ID))
	}
	if err := s.good(ctx, found.Holder, before.Proof); err != nil {
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

// good says why a proof is good no more.
func (s *Access) good(ctx context.Context, h domain.Holder, proof domain.Proof) error {
	now, address := s.Now(), domain.OriginOf(ctx).Address
	switch {
	case !h.Active(now):
		return unauthenticated(fmt.Errorf("%s %d is disabled or has expired", h.Kind, h.ID))
	case !h.Accepts(proof.Generation, now):
		return unauthenticated(fmt.Errorf("credential of an earlier generation of %s %d", h.Kind, h.ID))
	case !h.Bound(proof.Generation, proof.Passing, proof.Bound):
		return unauthenticated(fmt.Errorf("credential of another %s with the id %d, or one that was ended", h.Kind, h.ID))
	case !proof.Until.IsZero() && !now.Before(proof.Until):
		return unauthenticated(fmt.Errorf("the token of %s %d has expired", h.Kind, h.ID))
	case !h.Admits(address):
		return notFrom(h, address)
	}
	return nil
}

// rereadAuthorization is reread for one of the vault.
func (s *Access) rereadAuthorization(ctx context.Context, tx domain.Store, point domain.AccessPoint) (context.Context, error) {
	before := domain.PrincipalOf(ctx)
	a, err := tx.PAMAuthorizations().Get(ctx, before.ID)
	if domain.IsKind(err, domain.Missing) {
		err = unauthenticated(fmt.Errorf("authorization %d is gone", before.ID))
	}
	if err == nil {
		err = s.good(ctx, a.Holder(), before.Proof)
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

// rereads bounds how often who may do what can change between a look at the caller and the change that was to be allowed by it.
const rereads = 100

var errRestless = errors.New("service: who may do what was changed too many times meanwhile")

// whileAllowed runs do, which appends events that the caller of ctx is the actor of. When who may do what has changed since the rights of the caller
// were read, they are read again, and do runs again with them, or the caller is refused. It is the only place that does so: whatever stores an event
// goes through here.
func (r *Recorder) whileAllowed(ctx context.Context, tx domain.Store, do func(tx domain.Store) error, events ...*domain.Event) error {
	again := func(tx domain.Store) error {
		ctx, err := r.Access.reread(ctx, tx)
		if err != nil {
			return err
		}
		for _, e := range events {
			e.Point = domain.PrincipalOf(ctx).Proof.Point
		}
		return do(tx)
	}
	err := do(tx)
	for attempt := 1; attempt < rereads && errors.Is(err, domain.ErrRightsMoved); attempt++ {
		err = quietly(ctx, tx, attempt, again)
	}
	if errors.Is(err, domain.ErrRightsMoved) {
		return &domain.Unavailable{Err: errRestless}
	}
	return err
}

// quietAttempt is the first attempt at a change that is made in a transaction.
const quietAttempt = 5

// quietly makes one attempt at a change that others may have been ahead of before. Those who never pause must not keep anybody from it for good, so the
// later attempts look and change in one transaction: SQLite lets nobody else change anything meanwhile. PostgreSQL looks and changes in one statement.
func quietly(ctx context.Context, tx domain.Store, attempt int, fn func(tx domain.Store) error) error {
	if attempt < quietAttempt {
		return fn(tx)
	}
	return tx.Atomic(ctx, fn)
}

// again is a context with the rights that the caller has by now, for those who have to decide anew with them.
func (r *Recorder) again(ctx context.Context, tx domain.Store) (context.Context, error) {
	before := domain.PrincipalOf(ctx).Proof.Point
	if before == (domain.AccessPoint{}) {
		return ctx, nil
	}
	point, err := tx.AccessControl().Point(ctx)
	if err != nil || point == before {
		return ctx, err
	}
	return r.Access.reread(ctx, tx)
}
