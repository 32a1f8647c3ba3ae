package pki

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// CreateMany issues certificates for many new clients: each as by [Clients.Create], all of them in
// one transaction, with an event each. Keys are made and certificates signed before it, on all
// processors. The keys of one batch have as long together as the costly key of one client may take;
// rows for which that does not suffice have the fault ReasonOutOfTime.
//
// The result has a client or a fault for each row, in their order. In a dry run it has neither for
// rows that would be stored. answer makes of it what is kept for repeats of the request. Errors:
// unless batch.Each, the faults of all rows, with fields as batch.Place says; nothing is stored
// then.
func (s *Clients) CreateMany(
	ctx context.Context, batch domain.ClientBatch, answer func([]domain.BatchedClient) any,
) ([]domain.BatchedClient, error) {
	done, err := s.createMany(ctx, batch, answer)
	for n := 0; n < moreTries && errors.Is(err, errOtherIssuer); n++ {
		for _, row := range batch.Rows {
			s.Authorities.Forget(row.Spec.CAID)
		}
		done, err = s.createMany(ctx, batch, answer)
	}
	if errors.Is(err, errOtherIssuer) {
		err = &domain.Unavailable{Err: err}
	}
	return done, err
}

func (s *Clients) createMany(
	ctx context.Context, batch domain.ClientBatch, answer func([]domain.BatchedClient) any,
) ([]domain.BatchedClient, error) {
	m := &manyClients{
		Clients: s, batch: batch, plans: make([]clientPlan, len(batch.Rows)),
		certs: make([]domain.Certificate, len(batch.Rows)), done: make([]domain.BatchedClient, len(batch.Rows)),
	}
	if err := m.check(ctx); err != nil {
		return nil, err
	}
	if domain.OriginOf(ctx).DryRun {
		_, err := s.Recorder.Again(ctx, s.Store)
		return m.done, err
	}
	ctx, end, err := m.make(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := m.store(ctx, answer); err != nil {
		return nil, err
	}
	return m.done, nil
}

// manyClients is a batch in the making. Its lists have an entry for each row.
type manyClients struct {
	*Clients
	batch domain.ClientBatch
	plans []clientPlan
	certs []domain.Certificate
	done  []domain.BatchedClient // while it is made, with the faults alone
}

// faults returns the faults of all rows, when they keep the batch from being stored.
func (m *manyClients) faults() error {
	if m.batch.Each {
		return nil
	}
	var all domain.FaultList
	for i, row := range m.done {
		if row.Err != nil {
			all.Add(domain.Within(m.batch.Place(i), row.Err))
		}
	}
	return all.Err()
}

// check checks all rows before any key is made. Errors: those of the batch, and not of a row.
func (m *manyClients) check(ctx context.Context) error {
	unchecked := func(context.Context, string) error { return nil } // the names of all are looked up together
	err := m.rowsInParallel(func(i int) (err error) {
		row := m.batch.Rows[i]
		if err = row.Err; err == nil {
			m.plans[i], err = m.plan(ctx, row.Spec, unchecked)
		}
		return m.refuse(i, err)
	})
	if err == nil {
		err = m.checkNames(ctx)
	}
	return errors.Join(err, m.faults())
}

// refuse notes the fault of a row. It returns an error that is none of a row.
func (m *manyClients) refuse(i int, err error) error {
	if err != nil && EndsMany(err) {
		return err
	}
	if line := m.batch.Rows[i].Line; line > 0 {
		err = domain.AtLine(line, err)
	}
	m.done[i].Err = errors.Join(m.done[i].Err, err)
	return nil
}

// checkNames finds the names that are taken, by clients or by earlier rows.
func (m *manyClients) checkNames(ctx context.Context) error {
	names := make([]string, 0, len(m.done))
	for _, row := range m.batch.Rows {
		names = append(names, row.Spec.Name)
	}
	held, err := m.Store.Clients().Holding(ctx, names)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, name := range names {
		key := domain.NameKey(name)
		holder, taken := held[key]
		switch {
		case name == "" || m.batch.Each && m.done[i].Err != nil:
			continue
		case taken && holder.HoldsName(m.Now()):
			err = nameFault(true, nil)
		case seen[key]:
			err = domain.Fault(domain.Duplicated, "name", domain.ReasonTwice)
		case taken: // by a client that has expired; before the transaction, which locks no clients
			_, err = m.Store.Clients().FreeName(ctx, name, m.Now())
		default:
			err = nil
		}
		seen[key] = true
		if err := m.refuse(i, err); err != nil {
			return err
		}
	}
	return nil
}

// make makes the keys and certificates of the rows without faults. The caller goes on with the
// returned context, and has to end it.
func (m *manyClients) make(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if !slices.ContainsFunc(m.plans, func(p clientPlan) bool { return p.authority != nil && p.costly() }) {
		return ctx, func() {}, errors.Join(m.makeAll(ctx), m.faults())
	}
	waiting, done := domain.Renewed(ctx, keyTime)
	defer done()
	if err := errors.Join(m.makeAll(waiting), m.faults()); err != nil {
		return ctx, nil, err
	}
	after, end := domain.Renewed(ctx, 0)
	return after, end, nil
}

func (m *manyClients) makeAll(ctx context.Context) error {
	return m.rowsInParallel(func(i int) (err error) {
		if m.done[i].Err != nil {
			return nil
		}
		m.certs[i], err = m.makeOne(ctx, m.plans[i])
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = domain.Fault(domain.Rule, "", domain.ReasonOutOfTime)
		}
		return m.refuse(i, err)
	})
}

func (m *manyClients) makeOne(ctx context.Context, plan clientPlan) (domain.Certificate, error) {
	if plan.public != nil {
		return plan.issue(ctx, plan.public, domain.CertificateOfClient)
	}
	signer, err := m.Generator.Generate(ctx, plan.algorithm)
	if err != nil {
		return domain.Certificate{}, err
	}
	return m.certify(ctx, plan.issuePlan, domain.CertificateOfClient, signer)
}

// rowsInParallel calls fn with the number of each row, on all processors. After an error it calls
// fn no more.
func (m *manyClients) rowsInParallel(fn func(row int) error) error {
	var failed atomic.Pointer[error]
	inParallel(len(m.done), func(row int) {
		if failed.Load() != nil {
			return
		}
		if err := fn(row); err != nil {
			failed.Store(&err)
		}
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
