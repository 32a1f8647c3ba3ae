package store

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// lateSlack is what a guard adds to a deadline: clocks are compared no better than a message
// travels.
const lateSlack = time.Second

// pgClock tells what the clock of the server says. It is compared at every connection, and runs
// with the monotonic clock of this process in between. compared is replaced as a whole at each
// comparison, and is nil before the first.
type pgClock struct{ compared atomic.Pointer[clockReading] }

type clockReading struct{ server, here time.Time }

// compare asks the server.
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

// note keeps what the server has answered to a question that was asked then.
func (c *pgClock) note(server, asked time.Time) {
	c.compared.Store(&clockReading{server: server, here: asked.Add(time.Since(asked) / 2)})
}

// deadline is the end of ctx by the clock of the server. A statement that this is handed to refuses
// to be executed later: the server may be handed it long after nobody waits any more, because it
// was stopped or the network was. Without a deadline it is infinity.
func (c *pgClock) deadline(ctx context.Context) pgtype.Timestamptz {
	end, bounded := ctx.Deadline()
	compared := c.compared.Load()
	if !bounded || compared == nil {
		return pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	return pgtype.Timestamptz{Time: compared.server.Add(end.Sub(compared.here) + lateSlack), Valid: true}
}
