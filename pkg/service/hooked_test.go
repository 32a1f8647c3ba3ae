package service_test

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// hooked is a store at which something happens in between: what another does at that moment, or a crash.
type hooked struct {
	domain.Store
	transact func()       // before each transaction
	after    func()       // before events are read
	prune    func() error // before events are removed
}

func (s *hooked) Transact(ctx context.Context, fn func(domain.Store) error) error {
	if s.transact != nil {
		s.transact()
	}
	return s.Store.Transact(ctx, fn)
}

func (s *hooked) Audit() domain.Audit { return hookedAudit{s.Store.Audit(), s} }

type hookedAudit struct {
	domain.Audit
	hooks *hooked
}

func (a hookedAudit) After(ctx context.Context, chain int, position int64, limit int) ([]domain.Event, error) {
	if a.hooks.after != nil {
		a.hooks.after()
	}
	return a.Audit.After(ctx, chain, position, limit)
}

func (a hookedAudit) Prune(ctx context.Context, chain int, position int64, limit int) (int, error) {
	if a.hooks.prune != nil {
		if err := a.hooks.prune(); err != nil {
			return 0, err
		}
	}
	return a.Audit.Prune(ctx, chain, position, limit)
}
