package servicetest

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Hooked is a store with hooks, by which a test makes another replica act, or a crash happen, at a
// chosen moment.
type Hooked struct {
	domain.Store
	BeforeTransact func()       // before each transaction
	AfterTransact  func() error // before each commit
	BeforeRead     func()       // before events are read
	BeforePrune    func() error // before events are removed
}

// Transact calls BeforeTransact first.
func (s *Hooked) Transact(ctx context.Context, fn func(domain.Store) error) error {
	if s.BeforeTransact != nil {
		s.BeforeTransact()
	}
	return s.Store.Transact(ctx, func(tx domain.Store) error {
		if err := fn(tx); err != nil || s.AfterTransact == nil {
			return err
		}
		return s.AfterTransact()
	})
}

// Clients returns the clients with the hooks.
func (s *Hooked) Clients() domain.Clients { return hookedClients{s.Store.Clients(), s} }

type hookedClients struct {
	domain.Clients
	hooks *Hooked
}

// RenewAtOnce is a transaction with the hooks.
func (c hookedClients) RenewAtOnce(ctx context.Context, r *domain.Renewal, e *domain.Event) (done bool, err error) {
	err = c.hooks.Transact(ctx, func(tx domain.Store) (err error) {
		done, err = tx.Clients().RenewAtOnce(ctx, r, e)
		return err
	})
	return done, err
}

// Audit returns the audit with the hooks.
func (s *Hooked) Audit() domain.Audit { return hookedAudit{s.Store.Audit(), s} }

type hookedAudit struct {
	domain.Audit
	hooks *Hooked
}

func (a hookedAudit) After(ctx context.Context, chain int, position int64, limit int) ([]domain.Event, error) {
	if a.hooks.BeforeRead != nil {
		a.hooks.BeforeRead()
	}
	return a.Audit.After(ctx, chain, position, limit)
}

func (a hookedAudit) Prune(ctx context.Context, chain int, position int64, limit int) (int, error) {
	if a.hooks.BeforePrune != nil {
		if err := a.hooks.BeforePrune(); err != nil {
			return 0, err
		}
	}
	return a.Audit.Prune(ctx, chain, position, limit)
}
