package vault

import (
	"context"
	"time"
)

// How long a long write works before it pauses, and for how long. A process that waits for an
// SQLite file tries again at least every 20 ms, so it gets in during a pause.
const (
	paceWork = 300 * time.Millisecond
	paceRest = 25 * time.Millisecond
)

// pacer paces long work that consists of parts. On a database with one writer it pauses between
// parts, so that others can write. It also says how many rows the next part should have.
type pacer struct {
	rests  bool
	worked time.Duration // since the last pause
	rows   int           // of the next part
}

// The bounds of the number of rows in a part.
const (
	fewestRows = 64
	mostRows   = 4 * importBatch
)

func (s *Devices) pacer() *pacer { return &pacer{rests: s.Store.OneWriter(), rows: importBatch / 2} }

// step runs one part, adapts the size of the next one, and pauses if it is time to.
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
