package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// This file writes server-sent events (WHATWG HTML, section 9.2).

const (
	mediaEvents     = "text/event-stream"
	headerLastEvent = "Last-Event-ID"
)

// The pace of a stream. Its life is bounded so that a client that is gone unnoticed does not hold a
// reader for ever, and that the load moves to a replica that has just begun.
const (
	beat       = 15 * time.Second // a comment says that the connection is alive
	confirming = 3 * time.Second  // how late a stream may end whose caller may not read events any more
	streamLife = time.Hour
	retry      = 2 * time.Second // after this a client connects again
)

// followsEvents reports whether a client asks for server-sent events. One that takes both gets a
// page: it may not expect an answer that does not end.
func followsEvents(r *http.Request, accept string) bool {
	return strings.Contains(accept, mediaEvents) && !strings.Contains(accept, echo.MIMEApplicationJSON) &&
		oas.SentMethod(r) != http.MethodHead
}

// lastEvent is the id of the last event that the client knows. The cursor is taken as it was sent:
// its default is for pages alone.
func lastEvent(r *http.Request) string {
	return cmp.Or(r.Header.Get(headerLastEvent), r.URL.Query().Get("cursor"))
}

// follow begins a stream. What keeps it from beginning is answered as the errors of pages are.
func (h eventStream) follow(
	ctx context.Context, filter domain.StreamFilter, last string,
) (gen.GetEventsPageResponseObject, error) {
	var cursor *int64
	if last != "" {
		id, err := strconv.ParseInt(last, 10, 64)
		if err != nil || id < 0 {
			return nil, domain.Fault(domain.Malformed, headerLastEvent, domain.ReasonFormat)
		}
		cursor = &id
	}
	reader, err := h.stream.Open(ctx, cursor, filter)
	if err != nil && !isLost(err) {
		return nil, err
	}
	domain.GiveTurn(ctx)
	return following{ctx: ctx, reader: reader, verifier: h.verifier, lines: h.lines}, nil
}

func isLost(err error) bool {
	for _, fault := range domain.Faults(err) {
		if fault.Reason == domain.ReasonEventsGone {
			return true
		}
	}
	return false
}

// following is the answer that does not end by itself.
type following struct {
	ctx      context.Context
	reader   *events.Reader // nil: events after the cursor are gone
	verifier Verifier
	lines    *eventLines
}

// VisitGetEventsPageResponse implements gen.GetEventsPageResponseObject. Once the stream has begun
// its answer can't change, so an error only ends it: the client connects again.
func (f following) VisitGetEventsPageResponse(w http.ResponseWriter) error {
	out := newEventWriter(w, f.lines)
	w.Header().Set(echo.HeaderContentType, mediaEvents)
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	w.WriteHeader(http.StatusOK)
	if f.reader == nil {
		_ = out.reset()
		return nil
	}
	defer f.reader.Close()
	ctx, cancel := domain.Renewed(f.ctx, streamLife-rand.N(streamLife/10))
	defer cancel()
	_ = f.serve(ctx, out)
	return nil
}

// serve sends events until the stream ends.
func (f following) serve(ctx context.Context, out *eventWriter) error {
	if err := out.begin(); err != nil {
		return err
	}
	for confirmed := time.Now(); ; {
		list, err := f.next(ctx)
		if isLost(err) {
			return out.reset()
		}
		if err == nil && time.Since(confirmed) >= confirming {
			confirmed, err = time.Now(), f.confirm(ctx)
		}
		if err == nil {
			err = out.send(list, f.reader.Cursor())
		}
		if err != nil {
			return err
		}
	}
}

// next waits for events, but not for longer than until the caller is to be confirmed.
func (f following) next(ctx context.Context) ([]domain.StreamEvent, error) {
	bounded, cancel := context.WithTimeout(ctx, confirming)
	defer cancel()
	list, err := f.reader.Next(bounded)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, ctx.Err()
	}
	return list, err
}

// confirm returns an error if the caller may not read events any more. While the database does not
// answer, nobody knows, and nothing new is sent either.
func (f following) confirm(ctx context.Context) error {
	_, err := f.verifier.Confirm(ctx)
	if domain.IsKind(err, domain.Unauthenticated) || domain.IsKind(err, domain.Forbidden) {
		return err
	}
	return nil
}

// eventWriter writes to a client that reads. One that accepts nothing for oas.ChunkTimeout is cut
// off.
type eventWriter struct {
	stream  oas.Stream
	control *http.ResponseController
	lines   *eventLines
	at      time.Time // of the last write
	told    int64     // the last id that the client knows
}

func newEventWriter(w http.ResponseWriter, lines *eventLines) *eventWriter {
	out := &eventWriter{stream: oas.NewStream(w), control: http.NewResponseController(w), lines: lines}
	// The time limit of the connection is that of reading a request, which has arrived.
	_ = out.control.SetReadDeadline(time.Time{})
	return out
}

func (w *eventWriter) write(text []byte) error {
	w.at = time.Now()
	if _, err := w.stream.Write(text); err != nil {
		return err
	}
	return w.control.Flush()
}

func (w *eventWriter) begin() error {
	return w.write(fmt.Appendf(nil, "retry: %d\n\n", retry.Milliseconds()))
}

// reset tells that events are gone after the last one that the client knows. The empty id makes the
// client forget that one.
func (w *eventWriter) reset() error {
	return w.write([]byte("event: reset\nid:\ndata: {}\n\n"))
}

// send writes events, or, if there was nothing to write for a while, a comment; with the id of what
// the filter has left out since then, so that the client does not ask for all that again.
func (w *eventWriter) send(list []domain.StreamEvent, passed int64) error {
	var text []byte
	for _, e := range list {
		line, err := w.lines.of(e)
		if err != nil {
			return err
		}
		text = append(text, line...)
	}
	if len(list) == 0 {
		if time.Since(w.at) < beat-confirming {
			return nil
		}
		text = []byte(":\n\n")
		if passed != w.told {
			text = fmt.Appendf(text, "id: %d\n\n", passed)
		}
	}
	w.told = passed
	return w.write(text)
}

// eventLines remembers the texts of the newest events: all readers get the same ones.
type eventLines [1024]atomic.Pointer[eventLine]

type eventLine struct {
	id   int64
	text []byte
}

func (l *eventLines) of(e domain.StreamEvent) ([]byte, error) {
	place := &l[e.ID%int64(len(l))]
	if known := place.Load(); known != nil && known.id == e.ID {
		return known.text, nil
	}
	out, err := convertStreamEvent(e)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	text := fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, body)
	place.Store(&eventLine{e.ID, text})
	return text, nil
}
