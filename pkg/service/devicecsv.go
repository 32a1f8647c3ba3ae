package service

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The columns of a file of devices. The names are those of the vendor's fields.
var (
	requiredColumns = []string{"hostname", "ip", "model", "type", "vendor", "site"}
	optionalColumns = []string{"device_domain", "device_tags", "connectivities", "session_remote_config"}
)

// ImportResult says what an import did.
type ImportResult struct {
	Created, Updated, Unchanged int
	Faults                      []domain.RowFault // of rows that were not stored, in their order
}

// importBatch is how many devices are stored at once; in one transaction when rows may fail by themselves.
const importBatch = 1024

// Import upserts the devices of a CSV file (RFC 4180) with a header. With atomic all rows are stored or none: the faults of rows are the error
// then. Otherwise the good ones are stored. Errors: *domain.Error with Malformed for a file that can't be read.
func (s *Devices) Import(ctx context.Context, file io.Reader, atomic bool) (ImportResult, error) {
	good, faults, err := readDevices(file)
	if err != nil {
		return ImportResult{}, err
	}
	result := ImportResult{Faults: faults}
	if atomic {
		return s.importAll(ctx, good, result)
	}
	for start := 0; start < len(good.plans); start += importBatch {
		end := min(start+importBatch, len(good.plans))
		if err := s.importSome(ctx, goodRows{good.plans[start:end], good.rows[start:end]}, &result); err != nil {
			return result, err
		}
	}
	slices.SortFunc(result.Faults, func(a, b domain.RowFault) int { return a.Row - b.Row })
	return result, nil
}

// importAll stores all rows in one transaction.
func (s *Devices) importAll(ctx context.Context, good goodRows, result ImportResult) (ImportResult, error) {
	if err := errRows(result.Faults); err != nil {
		return ImportResult{}, err
	}
	if err := mustKnow(ctx, s.Store, good); err != nil {
		return ImportResult{}, err
	}
	if err := s.spell(ctx, good.plans); err != nil {
		return ImportResult{}, err
	}
	err := s.transact(ctx, func(tx domain.Store) error {
		if err := mustKnow(ctx, tx, good); err != nil {
			return err
		}
		return s.store(ctx, tx, good.plans, &result)
	})
	if err != nil {
		return ImportResult{}, err
	}
	return result, nil
}

// importSome stores the rows whose domains are known in one transaction.
func (s *Devices) importSome(ctx context.Context, good goodRows, result *ImportResult) error {
	unknown, err := unknownDomains(ctx, s.Store, good)
	if err != nil {
		return err
	}
	good = good.without(unknown)
	if err := s.spell(ctx, good.plans); err != nil {
		return err
	}
	var counted ImportResult
	err = s.transact(ctx, func(tx domain.Store) error {
		gone, err := unknownDomains(ctx, tx, good) // since then
		if err != nil {
			return err
		}
		counted = ImportResult{Faults: append(unknown, gone...)}
		return s.store(ctx, tx, good.without(gone).plans, &counted)
	})
	if err != nil {
		return err
	}
	result.Created, result.Updated, result.Unchanged = result.Created+counted.Created, result.Updated+counted.Updated, result.Unchanged+counted.Unchanged
	result.Faults = append(result.Faults, counted.Faults...)
	return nil
}

// store puts plans and counts what came of it. The events of a batch are made while the database has the next.
func (s *Devices) store(ctx context.Context, tx domain.Store, plans []domain.DevicePlan, result *ImportResult) error {
	made := func() ([]*domain.Event, error) { return nil, nil }
	appendMade := func() error {
		events, err := made()
		if err != nil {
			return err
		}
		return s.Audit.whileAllowed(ctx, tx, func() error { return tx.Audit().AppendAll(ctx, events) }, events...)
	}
	for batch := range slices.Chunk(plans, importBatch) {
		changes, err := s.put(ctx, tx, batch)
		if err != nil {
			return err
		}
		result.count(changes)
		if err := appendMade(); err != nil {
			return err
		}
		made = s.makeEvents(ctx, changes)
	}
	return appendMade()
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

// goodRows are the plans of rows that are not at fault, with their numbers.
type goodRows struct {
	plans []domain.DevicePlan
	rows  []int
}

func (g *goodRows) add(plan domain.DevicePlan, row int) {
	g.plans, g.rows = append(g.plans, plan), append(g.rows, row)
}

// without leaves out rows that turned out to be at fault; they are in order.
func (g goodRows) without(faults []domain.RowFault) goodRows {
	var left goodRows
	for i, row := range g.rows {
		if len(faults) > 0 && faults[0].Row == row {
			faults = faults[1:]
			continue
		}
		left.add(g.plans[i], row)
	}
	return left
}

// unknownDomains are the faults of rows whose domains are not registered.
func unknownDomains(ctx context.Context, tx domain.Store, good goodRows) (faults []domain.RowFault, err error) {
	found, err := tx.DeviceDomains().Find(ctx, domainTexts(good.plans))
	if err != nil {
		return nil, err
	}
	for i, plan := range good.plans {
		if slices.ContainsFunc(plan.Domains, func(text string) bool { _, ok := found[domain.NameKey(text)]; return !ok }) {
			faults = append(faults, domain.RowFault{Row: good.rows[i], Err: domain.Fault(domain.NotFound, "device_domain", domain.ReasonNotFound)})
		}
	}
	return faults, nil
}

// mustKnow is unknownDomains for those who want all rows or none.
func mustKnow(ctx context.Context, tx domain.Store, good goodRows) error {
	faults, err := unknownDomains(ctx, tx, good)
	return errors.Join(err, errRows(faults))
}

// errRows joins the faults of rows.
func errRows(faults []domain.RowFault) error {
	all := make([]error, len(faults))
	for i, fault := range faults {
		all[i] = inRow(fault)
	}
	return errors.Join(all...)
}

// inRow puts the row before the fields of its faults.
func inRow(fault domain.RowFault) error {
	var all []error
	for _, one := range domain.Faults(fault.Err) {
		placed := *one
		placed.Field = strings.TrimSuffix(fmt.Sprintf("rows[%d].%s", fault.Row, one.Field), ".")
		all = append(all, &placed)
	}
	return errors.Join(all...)
}

// readDevices reads a file: the good rows, and the faults of the others. Of two rows of one hostname the second is at fault.
func readDevices(file io.Reader) (good goodRows, faults []domain.RowFault, err error) {
	reader := csv.NewReader(withoutMark(file))
	reader.ReuseRecord = true
	columns, err := readHeader(reader)
	if err != nil {
		return goodRows{}, nil, err
	}
	seen := map[string]bool{}
	for row := 1; ; row++ {
		record, err := reader.Read()
		if err == io.EOF {
			return good, faults, nil
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return goodRows{}, nil, malformedFile(err)
		}
		plan, planErr := columns.spec(record).Plan()
		key := domain.NameKey(plan.Hostname)
		if err != nil {
			planErr = domain.Fault(domain.Invalid, "", domain.ReasonFormat) // of another length than the header
		} else if planErr == nil && seen[key] {
			planErr = domain.Fault(domain.Duplicated, "hostname", domain.ReasonTwice)
		}
		if planErr != nil {
			faults = append(faults, domain.RowFault{Row: row, Err: planErr})
			continue
		}
		seen[key] = true
		good.add(plan, row)
	}
}

// withoutMark leaves out the byte order mark that some programs begin a file with.
func withoutMark(file io.Reader) io.Reader {
	const mark = "\ufeff"
	buffered := bufio.NewReader(file)
	if begin, _ := buffered.Peek(len(mark)); string(begin) == mark {
		_, _ = buffered.Discard(len(mark))
	}
	return buffered
}

// fileColumns are the places of the columns in a file.
type fileColumns map[string]int

func readHeader(reader *csv.Reader) (fileColumns, error) {
	header, err := reader.Read()
	if err != nil {
		return nil, malformedFile(err)
	}
	columns := fileColumns{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(requiredColumns, name) && !slices.Contains(optionalColumns, name) {
			continue
		}
		if _, twice := columns[name]; twice {
			return nil, domain.Fault(domain.Malformed, name, domain.ReasonTwice)
		}
		columns[name] = i
	}
	for _, name := range requiredColumns {
		if _, ok := columns[name]; !ok {
			return nil, domain.Fault(domain.Malformed, name, domain.ReasonRequired)
		}
	}
	return columns, nil
}

func malformedFile(cause error) error {
	return &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonMalformed, Err: cause}
}

func (c fileColumns) spec(record []string) domain.DeviceSpec {
	text := func(name string) string {
		if i, ok := c[name]; ok && i < len(record) {
			return record[i]
		}
		return ""
	}
	optional := func(name string) *string {
		if _, ok := c[name]; !ok {
			return nil
		}
		value := text(name)
		return &value
	}
	return domain.DeviceSpec{
		Hostname: text("hostname"), IP: text("ip"), Model: text("model"), Type: text("type"), Vendor: text("vendor"), Site: text("site"),
		Domains: optional("device_domain"), Tags: optional("device_tags"), Connectivities: optional("connectivities"),
		Remote: optional("session_remote_config"),
	}
}

// Export writes the devices of a filter as a file that Import reads.
func (s *Devices) Export(ctx context.Context, filter domain.DeviceFilter, file io.Writer) error {
	writer := csv.NewWriter(file)
	if err := writer.Write(slices.Concat(requiredColumns, optionalColumns)); err != nil {
		return err
	}
	err := s.each(ctx, filter, func(d domain.Device) error {
		return writer.Write([]string{
			d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site, strings.Join(d.Domains, ","), strings.Join(d.Tags, ","),
			domain.FormatConnectivities(d.Connectivities), domain.FormatRemote(d.Remote),
		})
	})
	if err != nil { // what is not written yet stays unwritten: who has got nothing can be told
		return err
	}
	writer.Flush()
	return writer.Error()
}
