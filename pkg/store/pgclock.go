package store

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// lateSlack is added to a deadline: a comparison of clocks is only as exact as a round trip is
// short.
const lateSlack = time.Second

// pgClock computes what the clock of the server says. It compares the clocks when a connection is
// opened, and in between advances with the monotonic clock of this process. compared is replaced as
// a whole by each comparison, and is nil before the first.
type pgClock struct{ compared atomic.Pointer[clockReading] }

type clockReading struct{ server, here time.Time }

// compare reads the clock of the server.
func (c *pgClock) compare(ctx context.Context, conn *pgx.Conn) error {
	begin := time.Now()
	var server time.Time
	if err := conn.QueryRow(ctx, "SELECT clock_timestamp()", pgx.QueryExecModeSimpleProtocol).
		Scan(&server); err != nil {
		return err
	}
	c.note(server, begin)
	return nil
}

// note records what the server has answered to a question of the time asked. It takes the answer to
// be from halfway.
func (c *pgClock) note(server, asked time.Time) {
	c.compared.Store(&clockReading{server: server, here: asked.Add(time.Since(asked) / 2)})
}

// deadline is the end of ctx by the clock of the server, plus lateSlack. A statement that gets it
// as a parameter refuses to be executed later: if the server or the network stands still for a
// while, the server may receive the statement long after the caller has given up. Without a
// deadline, or before the first comparison, it is infinity.
func (c *pgClock) deadline(ctx context.Context) pgtype.Timestamptz {
	end, bounded := ctx.Deadline()
	compared := c.compared.Load()
	if !bounded || compared == nil {
		return pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	return pgtype.Timestamptz{Time: compared.server.Add(end.Sub(compared.here) + lateSlack), Valid: true}
}
