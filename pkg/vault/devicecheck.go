package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault/devicefile"
)

// rowFaults collects the faults of rows. It counts all failed rows, but keeps no more faults than
// an answer holds.
type rowFaults struct {
	list   []domain.RowFault
	count  int // of the faults in list; a row may have several
	failed int // rows
}

func (f *rowFaults) add(fault domain.RowFault) {
	f.failed++
	if !f.full() {
		f.list = append(f.list, fault)
		f.count += len(domain.Faults(fault.Err))
	}
}

func (f *rowFaults) full() bool { return f.count >= domain.MaxFaults }

// err joins the faults, for an import that stores all rows or none.
func (f *rowFaults) err() error {
	var all domain.FaultList
	for _, fault := range f.list {
		all.Add(domain.Within(fmt.Sprintf("rows[%d]", fault.Row), fault.Err))
	}
	return all.Err()
}

// checkedFile is a file whose rows were checked. The rows are parsed again when they are stored, so
// the memory that an import takes depends only on the size of its file.
type checkedFile struct {
	*devicefile.File
	bad     []bool // by row
	faults  rowFaults
	domains map[string]string // the registered names, by name key of what the file calls them
}

// errEnough ends the check of a file that will not be stored.
var errEnough = errors.New("vault: enough faults")

// check checks all rows. If all rows are to be stored or none, it stops when it has as many faults
// as an answer holds. Of two rows with the same hostname, the second has a fault.
func (s *Devices) check(ctx context.Context, file *devicefile.File, atomic bool) (*checkedFile, error) {
	checked := &checkedFile{File: file, domains: map[string]string{}}
	seen := map[[16]byte]struct{}{}
	known := knownDomains{find: s.Store.DeviceDomains().Find, known: map[string]*domain.Error{}, names: checked.domains}
	batch := make([]devicefile.Row, 0, importBatch)
	flush := func() error {
		if err := known.read(ctx, batch); err != nil {
			return err
		}
		for _, row := range batch {
			checked.add(row, errors.Join(row.Err, twice(seen, row), known.fault(row.Plan)))
		}
		batch = batch[:0]
		if atomic && checked.faults.full() {
			return errEnough
		}
		return ctx.Err()
	}
	err := file.Rows(func(row devicefile.Row) error {
		if batch = append(batch, row); len(batch) < cap(batch) {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil && err != errEnough {
		return nil, err
	}
	return checked, nil
}

func (c *checkedFile) add(row devicefile.Row, err error) {
	c.bad = append(c.bad, err != nil)
	if err == nil {
		return
	}
	c.faults.add(domain.RowFault{Row: row.Number, Err: domain.AtLine(row.Line, err)})
}

// twice returns the fault of a row whose hostname an earlier row without faults has.
func twice(seen map[[16]byte]struct{}, row devicefile.Row) error {
	if row.Err != nil {
		return nil
	}
	digest := sha256.Sum256([]byte(domain.NameKey(row.Plan.Hostname)))
	key := [16]byte(digest[:])
	if _, there := seen[key]; there {
		return domain.Fault(domain.Duplicated, "hostname", domain.ReasonTwice)
	}
	seen[key] = struct{}{}
	return nil
}

// maxKnownDomains bounds the cache of the domains that a file names.
const maxKnownDomains = 20000

// knownDomains caches the fault of each name of a domain; nil means that the name is good.
type knownDomains struct {
	find  func(ctx context.Context, texts []string) (map[string][]domain.DeviceDomain, error)
	known map[string]*domain.Error
	names map[string]string // registered names, by name key
}

// read looks up the domains of a batch that are not in the cache.
func (k *knownDomains) read(ctx context.Context, batch []devicefile.Row) error {
	if len(k.known) > maxKnownDomains {
		clear(k.known)
	}
	plans := make([]domain.DevicePlan, len(batch))
	for i, row := range batch {
		plans[i] = row.Plan
	}
	unread := slices.DeleteFunc(
		deviceDomainTexts(plans), func(text string) bool { _, ok := k.known[domain.NameKey(text)]; return ok },
	)
	if len(unread) == 0 {
		return nil
	}
	found, err := k.find(ctx, unread)
	if err != nil {
		return err
	}
	for _, text := range unread {
		key := domain.NameKey(text)
		if k.known[key] = deviceDomainFault(found[key]); k.known[key] == nil {
			k.names[key] = found[key][0].Name
		}
	}
	return nil
}

func (k *knownDomains) fault(plan domain.DevicePlan) error {
	if fault := firstDeviceDomainFault(
		plan.Domains, func(key string) *domain.Error { return k.known[key] },
	); fault != nil {
		return fault
	}
	return nil
}

// batches calls fn with the rows without faults, importBatch at a time.
func (c *checkedFile) batches(fn func(goodRows) error) error {
	var good goodRows
	spelling := fileSpelling{}
	err := c.Rows(func(row devicefile.Row) error {
		if c.bad[row.Number-1] {
			return nil
		}
		spelling.unify(&row.Plan)
		if good.add(row.Plan, row.Number, row.Line); len(good.plans) < importBatch {
			return nil
		}
		full := good
		good = goodRows{}
		return fn(full)
	})
	if err != nil || len(good.plans) == 0 {
		return err
	}
	return fn(good)
}
