package pki

import (
	"context"
	"fmt"
	"io"

	"github.com/chaveiro/chaveiro/pkg/csvfile"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ImportFile creates a client for each row of a CSV file, by [Clients.CreateMany]. It changes none
// that is here: a row of such a client is unchanged if the client is as the row says, and has a
// fault otherwise. Rows of clients that are revoked or have expired are skipped. So a file can be
// imported again, and an export changes nothing where it was made.
//
// answer makes of the result what is kept for repeats of the request. Errors: those of the file as
// a whole: *domain.Error; unless asked.Each, the faults of all rows, with fields as rows[12].name.
func (s *Clients) ImportFile(
	ctx context.Context, raw io.Reader, asked domain.ClientFile, answer func(domain.ImportedClients) any,
) (domain.ImportedClients, error) {
	text, err := io.ReadAll(raw)
	if err != nil {
		return nil, err
	}
	file, rows, err := readClients(text, asked)
	if err == nil {
		err = s.findCAs(ctx, rows)
	}
	if err == nil {
		err = s.findClients(ctx, file, rows)
	}
	if err != nil {
		return nil, err
	}
	created := newRows(rows)
	batch := domain.ClientBatch{
		Each: asked.Each, Place: func(i int) string { return fmt.Sprintf("rows[%d]", rows[created[i]].Row) },
	}
	for _, i := range created {
		batch.Rows = append(batch.Rows, domain.ClientRow{Spec: rows[i].spec, Err: rows[i].Err, Line: rows[i].Line})
	}
	keep := func(done []domain.BatchedClient) any { return answer(outcomes(rows, created, done)) }
	if answer == nil {
		keep = nil
	}
	done, err := s.CreateMany(ctx, batch, keep)
	if err != nil {
		return nil, err
	}
	return outcomes(rows, created, done), nil
}

// findCAs finds the CAs that rows name.
func (s *Clients) findCAs(ctx context.Context, rows []clientRow) error {
	var ids map[string]int64
	for i := range rows {
		row := &rows[i]
		if row.ca == "" || row.Err != nil {
			continue
		}
		if ids == nil {
			var err error
			if ids, err = s.caIDs(ctx); err != nil {
				return err
			}
		}
		id, there := ids[domain.NameKey(row.ca)]
		if row.spec.CAID = id; !there && row.Outcome != domain.RowSkipped {
			row.refuse(domain.Fault(domain.NotFound, "ca", domain.ReasonNotFound))
		}
	}
	return nil
}

// caIDs returns the ids of all CAs, by NameKey of their names.
func (s *Clients) caIDs(ctx context.Context) (map[string]int64, error) {
	ids, cursor := map[string]int64{}, int64(0)
	for {
		page, err := s.Store.CAs().Page(ctx, domain.PageRequest{Cursor: cursor, Size: pageOfMany})
		if err != nil {
			return nil, err
		}
		for _, one := range page.Items {
			ids[domain.NameKey(one.Name)] = one.ID
		}
		if page.Next == nil {
			return ids, nil
		}
		cursor = *page.Next
	}
}

// findClients finds the clients that are here as their rows say.
func (s *Clients) findClients(ctx context.Context, file *csvfile.File, rows []clientRow) error {
	names := make([]string, 0, len(rows))
	for _, row := range rows {
		names = append(names, row.Name)
	}
	held, err := s.Store.Clients().Holding(ctx, names)
	if err != nil {
		return err
	}
	for i := range rows {
		client, there := held[domain.NameKey(rows[i].Name)]
		if there && rows[i].Outcome == "" && client.HoldsName(s.Now()) && rows[i].sameAs(client, file) {
			rows[i].Outcome, rows[i].Client = domain.RowUnchanged, client
		}
	}
	return nil
}

// newRows returns the places of the rows that are to be stored, or have faults.
func newRows(rows []clientRow) []int {
	var list []int
	for i, row := range rows {
		if row.Outcome == "" || row.Outcome == domain.RowFailed {
			list = append(list, i)
		}
	}
	return list
}

// outcomes returns what became of all rows.
func outcomes(rows []clientRow, created []int, done []domain.BatchedClient) domain.ImportedClients {
	for i, one := range done {
		row := &rows[created[i]]
		row.Outcome, row.Client = domain.RowCreated, one.Client
		row.fail(one.Err)
	}
	list := make(domain.ImportedClients, len(rows))
	for i, row := range rows {
		list[i] = row.ImportedRow
	}
	return list
}
