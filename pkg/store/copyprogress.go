package store

import (
	"context"
	"iter"
)

// CopyProgress is how far a copy is. Each row counts twice: it is copied, and read back.
type CopyProgress struct {
	Step        string // copying or checking
	Table       string
	Done, Total int64
}

// copyMeter counts rows.
type copyMeter struct {
	show func(CopyProgress)
	at   CopyProgress
}

// meterRows is after how many rows the meter shows how far it is.
const meterRows = 1024

// newCopyMeter counts the rows of the source, which takes a small part of the time of a copy.
func newCopyMeter(ctx context.Context, source side, tables []copyTable, show func(CopyProgress)) (*copyMeter, error) {
	m := &copyMeter{show: show}
	if show == nil {
		return m, nil
	}
	for _, t := range tables {
		n, err := source.count(ctx, t)
		if err != nil {
			return nil, err
		}
		m.at.Total += 2 * n
	}
	return m, nil
}

// rows passes rows on and counts them.
func (m *copyMeter) rows(step string, t copyTable, rows iter.Seq2[[]any, error]) iter.Seq2[[]any, error] {
	if m.show == nil {
		return rows
	}
	m.at.Step, m.at.Table = step, t.name
	return func(yield func([]any, error) bool) {
		for row, err := range rows {
			if m.at.Done++; m.at.Done%meterRows == 0 {
				m.show(m.at)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
