package vault

import (
	"context"
	"time"
)

// How long one writes at a time, and then leaves room: another process that waits for an SQLite
// file looks at it every 20 ms at least.
const (
	paceWork = 300 * time.Millisecond
	paceRest = 25 * time.Millisecond
)

// pacer lets others write between the parts of a long work, where one writes at a time, and says
// how many rows a part should have.
type pacer struct {
	rests  bool
	worked time.Duration // since the last rest
	rows   int           // of the next part
}

// The bounds of the rows of a part.
const (
	fewestRows = 64
	mostRows   = 4 * importBatch
)

func (s *Devices) pacer() *pacer { return &pacer{rests: s.Store.OneWriter(), rows: importBatch / 2} }

// step runs one part.
func (p *pacer) step(ctx context.Context, part func() error) error {
	began := time.Now()
	err := part()
	took := time.Since(began)
	switch {
	case took > paceWork:
		p.rows = max(fewestRows, p.rows/2)
	case took < paceWork/2:
		p.rows = min(mostRows, p.rows*2)
	}
	if p.worked += took; err != nil || !p.rests || p.worked < paceWork {
		return err
	}
	p.worked = 0
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(paceRest):
		return nil
	}
}
