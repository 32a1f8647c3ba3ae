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
const importBatch = 1000

// Import upserts the devices of a CSV file (RFC 4180) with a header. With atomic all rows are stored or none: the faults of rows are the error
// then. Otherwise the good ones are stored. Errors: *domain.Error with Malformed for a file that can't be read.
func (s *Devices) Import(ctx context.Context, file io.Reader, atomic bool) (ImportResult, error) {
	plans, rows, faults, err := readDevices(file)
	if err != nil {
		return ImportResult{}, err
	}
	result := ImportResult{Faults: faults}
	if atomic {
		return s.importAll(ctx, plans, rows, result)
	}
	for start := 0; start < len(plans); start += importBatch {
		end := min(start+importBatch, len(plans))
		if err := s.importSome(ctx, plans[start:end], rows[start:end], &result); err != nil {
			return result, err
		}
	}
	slices.SortFunc(result.Faults, func(a, b domain.RowFault) int { return a.Row - b.Row })
	return result, nil
}

// importAll stores all plans in one transaction.
func (s *Devices) importAll(ctx context.Context, plans []domain.DevicePlan, rows []int, result ImportResult) (ImportResult, error) {
	fail := func() (ImportResult, error) {
		all := make([]error, len(result.Faults))
		for i, fault := range result.Faults {
			all[i] = inRow(fault)
		}
		return ImportResult{}, errors.Join(all...)
	}
	if len(result.Faults) > 0 {
		return fail()
	}
	err := s.transact(ctx, func(tx domain.Store) error {
		known, faults, err := unknownDomains(ctx, tx, plans, rows)
		if err != nil || len(faults) > 0 {
			result.Faults = faults
			return errors.Join(err, errRows(faults))
		}
		slices.SortFunc(known, func(a, b domain.DevicePlan) int {
			return strings.Compare(domain.NameKey(a.Hostname), domain.NameKey(b.Hostname))
		})
		for batch := range slices.Chunk(known, importBatch) { // by hostname, so that of two imports at once none waits for one who waits for it
			if err := s.store(ctx, tx, batch, &result); err != nil {
				return err
			}
		}
		return nil
	})
	if len(result.Faults) > 0 {
		return fail()
	}
	if err != nil {
		return ImportResult{}, err
	}
	return result, nil
}

// importSome stores the plans whose domains are known in one transaction.
func (s *Devices) importSome(ctx context.Context, plans []domain.DevicePlan, rows []int, result *ImportResult) error {
	counted := ImportResult{}
	err := s.transact(ctx, func(tx domain.Store) error {
		known, faults, err := unknownDomains(ctx, tx, plans, rows)
		if err != nil {
			return err
		}
		counted = ImportResult{Faults: faults}
		return s.store(ctx, tx, known, &counted)
	})
	if err != nil {
		return err
	}
	result.Created, result.Updated, result.Unchanged = result.Created+counted.Created, result.Updated+counted.Updated, result.Unchanged+counted.Unchanged
	result.Faults = append(result.Faults, counted.Faults...)
	return nil
}

// store puts plans and counts what came of it.
func (s *Devices) store(ctx context.Context, tx domain.Store, plans []domain.DevicePlan, result *ImportResult) error {
	changes, err := s.put(ctx, tx, plans)
	if err != nil {
		return err
	}
	for _, c := range changes {
		switch {
		case c.Before.ID == 0:
			result.Created++
		case c.After.Same(c.Before):
			result.Unchanged++
		default:
			result.Updated++
		}
	}
	return s.record(ctx, tx, changes)
}

// unknownDomains tells the plans whose domains are registered from those that are at fault.
func unknownDomains(ctx context.Context, tx domain.Store, plans []domain.DevicePlan, rows []int) (known []domain.DevicePlan, faults []domain.RowFault, err error) {
	found, err := tx.DeviceDomains().Find(ctx, domainTexts(plans))
	if err != nil {
		return nil, nil, err
	}
	for i, plan := range plans {
		missing := slices.ContainsFunc(plan.Domains, func(text string) bool { _, ok := found[domain.NameKey(text)]; return !ok })
		if missing {
			faults = append(faults, domain.RowFault{Row: rows[i], Err: domain.Fault(domain.NotFound, "device_domain", domain.ReasonNotFound)})
			continue
		}
		known = append(known, plan)
	}
	return known, faults, nil
}

var errFaultyRows = errors.New("service: rows of the file are at fault")

func errRows(faults []domain.RowFault) error {
	if len(faults) > 0 {
		return errFaultyRows
	}
	return nil
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

// readDevices reads a file: the plans of good rows with their numbers, and the faults of the others. Of two rows of one hostname the second is at
// fault.
func readDevices(file io.Reader) (plans []domain.DevicePlan, rows []int, faults []domain.RowFault, err error) {
	reader := csv.NewReader(withoutMark(file))
	reader.ReuseRecord = true
	columns, err := readHeader(reader)
	if err != nil {
		return nil, nil, nil, err
	}
	seen := map[string]bool{}
	for row := 1; ; row++ {
		record, err := reader.Read()
		if err == io.EOF {
			return plans, rows, faults, nil
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return nil, nil, nil, malformedFile(err)
		}
		plan, planErr := columns.spec(record).Plan()
		key := domain.NameKey(plan.Hostname)
		if err != nil {
			planErr = domain.Fault(domain.Malformed, "", domain.ReasonMalformed)
		} else if planErr == nil && seen[key] {
			planErr = domain.Fault(domain.Duplicated, "hostname", domain.ReasonTwice)
		}
		if planErr != nil {
			faults = append(faults, domain.RowFault{Row: row, Err: planErr})
			continue
		}
		seen[key] = true
		plans, rows = append(plans, plan), append(rows, row)
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

// exportPage is how many devices are read at once.
const exportPage = 500

// Export writes the devices of a filter as a file that Import reads.
func (s *Devices) Export(ctx context.Context, filter domain.DeviceFilter, file io.Writer) error {
	writer := csv.NewWriter(file)
	if err := writer.Write(slices.Concat(requiredColumns, optionalColumns)); err != nil {
		return err
	}
	for cursor := int64(0); ; {
		page, err := s.Page(ctx, filter, domain.PageRequest{Cursor: cursor, Size: exportPage})
		if err != nil {
			return err
		}
		for _, d := range page.Items {
			err := writer.Write([]string{
				d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site, strings.Join(d.Domains, ","), strings.Join(d.Tags, ","),
				domain.FormatConnectivities(d.Connectivities), domain.FormatRemote(d.Remote),
			})
			if err != nil {
				return err
			}
		}
		if page.Next == nil {
			writer.Flush()
			return writer.Error()
		}
		cursor = *page.Next
	}
}
