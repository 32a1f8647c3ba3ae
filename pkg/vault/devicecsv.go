package vault

import (
	"context"
	"io"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault/devicefile"
)

// ImportResult says what an import did.
type ImportResult struct {
	Created, Updated, Unchanged int
	Failed                      int // rows that were not stored
	// of the first failed rows, in row order: at most domain.MaxFaults in all
	Faults []domain.RowFault
}

// importBatch is how many devices are stored at once. An import that is not atomic stores each
// batch in a transaction of its own.
const importBatch = 1024

// Import upserts the devices of a CSV file (RFC 4180) with a header. If atomic is set, either all
// rows are stored or none, and the error holds the faults of the rows. Otherwise the rows without
// faults are stored. One import runs at a time; it parses its file when its turn comes. Errors:
// *domain.Error with Malformed for a file that can't be read, Forbidden with ReasonLimit when too
// many imports wait.
func (s *Devices) Import(ctx context.Context, file io.Reader, atomic bool) (result ImportResult, err error) {
	raw, err := io.ReadAll(file)
	if err != nil {
		return ImportResult{}, err
	}
	err = s.Imports.Do(ctx, len(raw), func() error {
		result, err = s.importFile(ctx, raw, atomic)
		return err
	})
	return result, err
}

func (s *Devices) importFile(ctx context.Context, raw []byte, atomic bool) (ImportResult, error) {
	file, err := devicefile.Open(raw)
	if err != nil {
		return ImportResult{}, err
	}
	checked, err := s.check(ctx, file, atomic)
	if err != nil {
		return ImportResult{}, err
	}
	if atomic {
		return s.importAll(ctx, checked)
	}
	result := ImportResult{Failed: checked.faults.failed, Faults: checked.faults.list}
	pace := s.pacer()
	err = checked.batches(func(good goodRows) error {
		return pace.step(ctx, func() error { return s.importSome(ctx, good, &result) })
	})
	slices.SortStableFunc(result.Faults, func(a, b domain.RowFault) int { return a.Row - b.Row })
	return result, err
}

// importAll stores all rows or none: up to importBatch rows in one transaction, more in parts.
func (s *Devices) importAll(ctx context.Context, checked *checkedFile) (result ImportResult, err error) {
	if err := checked.faults.err(); err != nil {
		return ImportResult{}, err
	}
	if len(checked.bad) > importBatch {
		return s.importInParts(ctx, checked)
	}
	if err := checked.batches(func(good goodRows) error { return s.makeNames(ctx, good.plans) }); err != nil {
		return ImportResult{}, err
	}
	err = s.transact(ctx, func(tx domain.Store) (err error) {
		result, err = s.store(ctx, tx, checked)
		return err
	})
	if err != nil {
		return ImportResult{}, err
	}
	return result, nil
}

// importSome stores the rows whose domains still exist, in one transaction. A row whose domain was
// deleted since the check fails.
func (s *Devices) importSome(ctx context.Context, good goodRows, result *ImportResult) error {
	if err := s.makeNames(ctx, good.plans); err != nil {
		return err
	}
	var stored *storing
	var gone []domain.RowFault
	err := s.transact(ctx, func(tx domain.Store) (err error) {
		stored = s.storing(tx, 0)
		if gone, err = unknownDomains(ctx, tx, good); err != nil { // deleted since the check
			return err
		}
		return stored.put(ctx, good.without(gone).plans)
	})
	if err != nil {
		return err
	}
	result.add(stored.counted)
	faults := rowFaults{list: result.Faults, count: len(result.Faults), failed: result.Failed}
	for _, fault := range gone {
		faults.add(fault)
	}
	result.Faults, result.Failed = faults.list, faults.failed
	return nil
}

// store stores the plans of a file.
func (s *Devices) store(ctx context.Context, tx domain.Store, file *checkedFile) (ImportResult, error) {
	stored := s.storing(tx, 0)
	err := file.batches(func(good goodRows) error { return stored.put(ctx, good.plans) })
	return stored.counted, err
}

func (r *ImportResult) add(more ImportResult) {
	r.Created, r.Updated, r.Unchanged = r.Created+more.Created, r.Updated+more.Updated, r.Unchanged+more.Unchanged
}

func (r *ImportResult) count(changes []domain.DeviceChange) {
	for _, c := range changes {
		switch {
		case c.Created():
			r.Created++
		case c.Changed():
			r.Updated++
		default:
			r.Unchanged++
		}
	}
}

// goodRows are the plans of rows without faults, with their row and line numbers.
type goodRows struct {
	plans       []domain.DevicePlan
	rows, lines []int
}

func (g *goodRows) add(plan domain.DevicePlan, row, line int) {
	g.plans, g.rows, g.lines = append(g.plans, plan), append(g.rows, row), append(g.lines, line)
}

// without returns the rows that are not among the faults, which are in row order.
func (g goodRows) without(faults []domain.RowFault) goodRows {
	var left goodRows
	for i, row := range g.rows {
		if len(faults) > 0 && faults[0].Row == row {
			faults = faults[1:]
			continue
		}
		left.add(g.plans[i], row, g.lines[i])
	}
	return left
}

// unknownDomains returns the faults of the rows whose domains are not registered.
func unknownDomains(ctx context.Context, tx domain.Store, good goodRows) (faults []domain.RowFault, err error) {
	found, err := tx.DeviceDomains().Find(ctx, deviceDomainTexts(good.plans))
	if err != nil {
		return nil, err
	}
	for i, plan := range good.plans {
		fault := firstDeviceDomainFault(
			plan.Domains, func(key string) *domain.Error { return deviceDomainFault(found[key]) },
		)
		if fault != nil {
			faults = append(faults, domain.RowFault{Row: good.rows[i], Err: domain.AtLine(good.lines[i], fault)})
		}
	}
	return faults, nil
}
