package service

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// importLease is how long nobody may have worked at an import before others take it over.
const importLease = 10 * time.Second

// errImportGone says that others have taken an import for dead before it was decided.
var errImportGone = errors.New("service: the import was given up by others")

// importAuthor is who asked for an import, as it is kept.
type importAuthor struct {
	Kind      domain.PrincipalKind
	ID        int64
	Name      string
	Operation string
	Address   netip.Addr
	RequestID string
}

func authorOf(ctx context.Context) (string, error) {
	caller, origin := domain.PrincipalOf(ctx), domain.OriginOf(ctx)
	text, err := json.Marshal(importAuthor{caller.Kind, caller.ID, caller.Name, origin.Operation, origin.Address, origin.RequestID})
	return string(text), err
}

// asAuthor is a context in which the events of an import that was decided are made: what its author may do was looked at then.
func asAuthor(ctx context.Context, text string) (context.Context, error) {
	var author importAuthor
	if err := json.Unmarshal([]byte(text), &author); err != nil {
		return ctx, err
	}
	ctx = domain.WithPrincipal(ctx, domain.Principal{Kind: author.Kind, ID: author.ID, Name: author.Name})
	return domain.WithOrigin(ctx, domain.Origin{Operation: author.Operation, Address: author.Address, RequestID: author.RequestID}), nil
}

// importInParts stages the rows, decides that they are stored, and stores them: nobody has to wait longer than for a part. After the decision nothing ends it:
// if this process does, another goes on, or the next one.
func (s *Devices) importInParts(ctx context.Context, checked *checkedFile) (result ImportResult, err error) {
	author, err := authorOf(ctx)
	if err != nil {
		return result, err
	}
	of := domain.DeviceImport{Author: author, AliveAt: s.Now()}
	if err := s.Store.DeviceImports().Begin(ctx, &of); err != nil {
		return result, err
	}
	domains, err := s.stage(ctx, of.ID, checked)
	if err == nil {
		err = s.decide(ctx, of.ID, domains)
	}
	if err != nil {
		if _, gone := s.Store.DeviceImports().Abandon(context.WithoutCancel(ctx), of.ID); gone != nil {
			return result, errors.Join(err, gone)
		}
		return result, errors.Join(err, s.removeRows(context.WithoutCancel(ctx), of.ID))
	}
	err = s.finish(context.WithoutCancel(ctx), of, &result)
	return result, err
}

// stage keeps the rows, with the registered names of their domains, and returns these.
func (s *Devices) stage(ctx context.Context, id int64, checked *checkedFile) (map[string]bool, error) {
	pace, place, names := s.pacer(), int64(0), map[string]bool{}
	err := checked.batches(func(good goodRows) error {
		found, err := findDomains(ctx, s.Store, good.plans)
		if err != nil {
			return err
		}
		rows := make([]domain.StagedRow, len(good.plans))
		for i, plan := range good.plans {
			if plan.Domains != nil {
				plan.Domains = found.of(plan.Domains)
			}
			for _, name := range plan.Domains {
				names[name] = true
			}
			text, err := json.Marshal(plan)
			if err != nil {
				return err
			}
			place++
			rows[i] = domain.StagedRow{Place: place, Spec: string(text)}
		}
		return pace.step(ctx, func() error {
			return s.Store.Transact(ctx, func(tx domain.Store) error {
				if there, err := tx.DeviceImports().Touch(ctx, id, s.Now()); err != nil || !there {
					return errors.Join(err, errImportGone)
				}
				return tx.DeviceImports().Stage(ctx, id, rows)
			})
		})
	})
	return names, err
}

// decide looks once more at who asks and at the domains, which nobody can remove from then on.
func (s *Devices) decide(ctx context.Context, id int64, names map[string]bool) error {
	return s.transact(ctx, func(tx domain.Store) error {
		if _, err := s.Audit.again(ctx, tx); err != nil {
			return err
		}
		var plan domain.DevicePlan
		for name := range names {
			plan.Domains = append(plan.Domains, name)
		}
		if _, err := findDomains(ctx, tx, []domain.DevicePlan{plan}); err != nil {
			return err
		}
		return tx.DeviceImports().Decide(ctx, id, s.Now())
	})
}

// finish stores the rows of an import that was decided, and lets the lists have them.
func (s *Devices) finish(ctx context.Context, of domain.DeviceImport, result *ImportResult) error {
	ctx, err := asAuthor(ctx, of.Author)
	if err != nil {
		return err
	}
	pace := s.pacer()
	for more := true; more && err == nil; {
		err = pace.step(ctx, func() (err error) {
			more, err = s.finishSome(ctx, of.ID, pace.rows, result)
			return err
		})
	}
	return err
}

// finishSome stores some rows, and is false when there are no more.
func (s *Devices) finishSome(ctx context.Context, id int64, n int, result *ImportResult) (more bool, err error) {
	coming, err := s.Store.DeviceImports().Rows(ctx, id, n)
	if err != nil {
		return false, err
	}
	plans, err := readStaged(coming)
	if err != nil {
		return false, err
	}
	if err := s.makeNames(ctx, plans); err != nil {
		return false, err
	}
	var counted ImportResult
	err = s.Store.Transact(ctx, func(tx domain.Store) error {
		counted, more = ImportResult{}, false
		if err := tx.Audit().Reserve(ctx); err != nil {
			return err
		}
		imports := tx.DeviceImports()
		if there, err := imports.Touch(ctx, id, s.Now()); err != nil || !there {
			return err // somebody else has finished it
		}
		if len(plans) == 0 {
			return imports.Finish(ctx, id)
		}
		left, err := imports.Rows(ctx, id, 1)
		if more = true; err != nil || len(left) == 0 || left[0].Place != coming[0].Place {
			return err // somebody else has stored these
		}
		changes, err := s.put(ctx, tx, plans, id)
		if err != nil {
			return err
		}
		counted.count(changes)
		events, err := s.makeEvents(ctx, changes)()
		if err != nil {
			return err
		}
		if err := imports.Remove(ctx, id, coming[len(coming)-1].Place); err != nil {
			return err
		}
		return s.Audit.recordAll(ctx, tx, events)
	})
	if err == nil {
		result.Created, result.Updated, result.Unchanged = result.Created+counted.Created, result.Updated+counted.Updated, result.Unchanged+counted.Unchanged
	}
	return more, err
}

func readStaged(rows []domain.StagedRow) ([]domain.DevicePlan, error) {
	plans := make([]domain.DevicePlan, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal([]byte(row.Spec), &plans[i]); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// removeRows removes the rows of an import that was abandoned.
func (s *Devices) removeRows(ctx context.Context, id int64) error {
	pace := s.pacer()
	for {
		left := 0
		err := pace.step(ctx, func() error {
			rows, err := s.Store.DeviceImports().Rows(ctx, id, mostRows)
			if left = len(rows); err != nil || left == 0 {
				return err
			}
			return s.Store.DeviceImports().Remove(ctx, id, rows[left-1].Place)
		})
		if err != nil || left == 0 {
			return err
		}
	}
}

// ResumeImports ends the imports that nobody works at any more: those that were decided are finished, the others removed.
func (s *Devices) ResumeImports(ctx context.Context) error {
	unfinished, err := s.Store.DeviceImports().Unfinished(ctx)
	if err != nil {
		return err
	}
	for _, of := range unfinished {
		if s.Now().Sub(of.AliveAt).Abs() < importLease {
			continue
		}
		s.Log.WarnContext(ctx, "an import of devices was left by others", "import_id", of.ID, "decided", of.Decided)
		if of.Decided {
			err = errors.Join(err, s.finish(ctx, of, &ImportResult{}))
			continue
		}
		_, gone := s.Store.DeviceImports().Abandon(ctx, of.ID)
		err = errors.Join(err, gone)
	}
	abandoned, listErr := s.Store.DeviceImports().Abandoned(ctx)
	err = errors.Join(err, listErr)
	for _, id := range abandoned {
		err = errors.Join(err, s.removeRows(ctx, id))
	}
	return err
}
