package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// event is what an event is about.
type event struct {
	kind, resource string
	resourceID     int64 // 0: of none
}

// hooks is the endpoint of a webhook for all events. It keeps what has arrived.
type hooks struct {
	url    string
	server *http.Server
	find   func(format string, values ...any) outcome
	off    func() bool // whether a clock is off: what fails then may be tried again in an hour

	mu     sync.Mutex // guards what follows
	seen   map[int64]event
	newest map[event]int64 // of each resource, without a kind
	told   map[string]int  // how many events tell something: see ledger.expected
	lost   int             // requests whose answer was lost on purpose
}

// losing is of how many events the first answer is lost on purpose: one.
const losing = 200

func newHooks(c *campaign) (*hooks, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &hooks{
		url: "http://" + listener.Addr().String(), find: c.find, off: c.clockOff, seen: map[int64]event{},
		newest: map[event]int64{}, told: map[string]int{},
	}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = h.server.Serve(listener) }()
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Data struct {
			ID         int64
			Type       string
			Resource   string
			ResourceID *int64 `json:"resource_id"`
			Data       struct {
				Serial  string
				Serials []string
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil || message.Data.ID == 0 {
		h.find("a webhook has sent what is no event: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	got := event{kind: message.Data.Type, resource: message.Data.Resource}
	if message.Data.ResourceID != nil {
		got.resourceID = *message.Data.ResourceID
	}
	if h.take(message.Data.ID, got, append(message.Data.Data.Serials, message.Data.Data.Serial)) {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusNoContent)
}

// take keeps an event, and says whether its answer is to be lost. The first time the events of a
// resource arrive, they are in order.
func (h *hooks) take(id int64, got event, serials []string) (lose bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if before, again := h.seen[id]; again {
		if before != got {
			h.find("event %d has arrived as %v, and as %v", id, before, got)
		}
		return false
	}
	h.seen[id] = got
	of := event{resource: got.resource, resourceID: got.resourceID}
	if of.resourceID != 0 && id < h.newest[of] {
		h.find("event %d, %v, has arrived after event %d", id, got, h.newest[of])
	}
	h.newest[of] = max(h.newest[of], id)
	h.told[told(got.kind, got.resourceID)]++
	for _, serial := range serials {
		h.told[told(got.kind, serial)]++
	}
	if lose = id%losing == 0 && !h.off(); lose {
		h.lost++
	}
	return lose
}

// told is what an event tells: its kind, and the serial or the id that it is about.
func told(kind string, what any) string { return fmt.Sprint(kind, " ", what) }

// missing are those of these events that have not arrived.
func (h *hooks) missing(ids []int64) (left []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		if _, there := h.seen[id]; !there {
			left = append(left, id)
		}
	}
	return left
}

// checkTold: each event that has arrived is stored, and each answered write has one.
func (c *campaign) checkTold(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT id, type, resource, coalesce(resource_id, 0) FROM events")
	if err != nil {
		return err
	}
	defer rows.Close()
	stored := map[int64]event{}
	for rows.Next() {
		var id int64
		var one event
		if err := rows.Scan(&id, &one.kind, &one.resource, &one.resourceID); err != nil {
			return err
		}
		stored[id] = one
	}
	if err := rows.Err(); err != nil {
		return err
	}
	c.hooks.mu.Lock()
	defer c.hooks.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(c.hooks.seen)) {
		if got := c.hooks.seen[id]; got != stored[id] {
			c.find("event %d has arrived as %v, and is stored as %v", id, got, stored[id])
		}
	}
	for what, count := range c.ledger.expected {
		if c.hooks.told[what] < count {
			c.find("%s: %d were answered, %d have arrived at the webhook", what, count, c.hooks.told[what])
		}
	}
	return c.findings.first()
}
