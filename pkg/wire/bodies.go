package wire

import (
	"container/list"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

const (
	// maxBodies is how many bytes of bodies are in memory at once, apart from those of requests of
	// many rows.
	maxBodies = 64 << 20
	// minBody is what a body counts at least, for what reads it needs memory as well.
	minBody = 16 << 10
)

// bodies bounds the memory of request bodies. For lack of room those are cut off that have been
// coming longest: who sends what it has is done in a moment, so it is the ones that keep their
// bodies back.
type bodies struct {
	// mu guards all that follows, and the bodies among those that are coming. It is held for an
	// addition, and while others are cut off; never while a body is read.
	mu     sync.Mutex
	used   int64
	coming list.List // of *body, the oldest first
}

type body struct {
	size  int64
	stop  func()        // ends reading it with an error
	place *list.Element // among those that are coming; nil: it is here, or cut off
	cut   bool
}

// begin makes room for a body that comes from now on. The error is a [domain.Unavailable].
func (b *bodies) begin(size int64, stop func()) (*body, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.used+size > maxBodies {
		oldest := b.coming.Front()
		if oldest == nil {
			return nil, &domain.Unavailable{Err: domain.ErrOverloaded}
		}
		b.cutOff(oldest.Value.(*body))
	}
	b.used += size
	begun := &body{size: size, stop: stop}
	begun.place = b.coming.PushBack(begun)
	return begun, nil
}

func (b *bodies) cutOff(one *body) {
	b.coming.Remove(one.place)
	b.used -= one.size
	one.place, one.cut = nil, true
	one.stop()
}

// arrived says that nobody waits for a body any more. The error is a [domain.Unavailable] when it
// was cut off.
func (b *bodies) arrived(one *body) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one.cut {
		return &domain.Unavailable{Err: domain.ErrOverloaded}
	}
	b.coming.Remove(one.place)
	one.place = nil
	return nil
}

// end gives back the room of a body, whether it has arrived or not.
func (b *bodies) end(one *body) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one.place != nil {
		b.coming.Remove(one.place)
	}
	if !one.cut {
		b.used -= one.size
	}
}

// read reads a body from reader, of at most so many bytes. Its room is given back when the visit
// ends.
func (b *bodies) read(c echo.Context, v *visit, reader io.Reader, limit int64) ([]byte, error) {
	size := limit
	if length := c.Request().ContentLength; length >= 0 {
		size = min(size, length)
	}
	control := http.NewResponseController(c.Response())
	one, err := b.begin(max(size, minBody), func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
	if err != nil {
		return nil, err
	}
	v.bodies = append(v.bodies, one)
	data, err := io.ReadAll(reader)
	if v.cut = b.arrived(one); v.cut != nil {
		return nil, v.cut
	}
	return data, err
}

// readBody is [oas.ReadBody]: while a body comes its request has no turn, so that one that is kept
// back holds up nobody. Only a body that may be large keeps it, for its turns are few, and bound
// the memory.
func (a admission) readBody(c echo.Context, reader io.Reader, limit int64) ([]byte, error) {
	v, _ := c.Get(visitKey).(*visit)
	if v == nil || c.Request().ContentLength == 0 || limit > oas.DefaultMaxBody {
		data, err := io.ReadAll(reader)
		return data, oas.BodyFault(err)
	}
	if v.cut != nil { // the same answer to who reads on
		return nil, v.cut
	}
	hadTurn := v.leave()
	data, err := a.bodies.read(c, v, reader, limit)
	if hadTurn && domain.RetryAfter(err) == 0 {
		if err := v.enter(c.Request().Context()); err != nil {
			return nil, err
		}
	}
	return data, oas.BodyFault(err)
}
