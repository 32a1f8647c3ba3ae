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
	// maxBodies is how many bytes of request bodies are in memory at once, apart from the bodies of
	// requests of many rows.
	maxBodies = 64 << 20
	// minBody is the least that a body counts, because the code that reads it needs memory as well.
	minBody = 16 << 10
)

// bodies bounds the memory of request bodies. When there is no room for another body, those that
// have been arriving longest are cut off: a client that sends what it has is done in a moment, so
// the oldest are those whose clients hold them back.
type bodies struct {
	// mu guards the fields below, and place and cut of every body. It is held for an addition or
	// removal, and while other bodies are cut off; never while a body is read.
	mu     sync.Mutex
	used   int64
	coming list.List // of *body, the oldest first
}

type body struct {
	size  int64
	stop  func()        // makes reading it fail
	place *list.Element // its element in coming; nil: it has arrived, or was cut off
	cut   bool
}

// begin makes room for a body that is about to arrive. The error is a [domain.Unavailable].
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

// arrived notes that the body is not being read any more. The error is a [domain.Unavailable] if
// the body was cut off.
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

// read reads a body of at most limit bytes from reader. Its room is given back when the visit ends.
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

// readBody is an [oas.ReadBody]. While its body arrives, a request has no turn, so that a client
// that holds a body back holds up nobody else. Only a request whose body may be large keeps its
// turn: those turns are few, and bound the memory.
func (a admission) readBody(c echo.Context, reader io.Reader, limit int64) ([]byte, error) {
	v, _ := c.Get(visitKey).(*visit)
	if v == nil || c.Request().ContentLength == 0 || limit > oas.DefaultMaxBody {
		data, err := io.ReadAll(reader)
		return data, oas.BodyFault(err)
	}
	if v.cut != nil { // a caller that reads on gets the same error
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
