package main

import (
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"
)

// hooks is the endpoint of a webhook for all events. It keeps the ids of what has arrived.
type hooks struct {
	url    string
	server *http.Server

	mu   sync.Mutex // guards seen
	seen map[int64]int
}

func newHooks() (*hooks, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &hooks{url: "http://" + listener.Addr().String(), seen: map[int64]int{}}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = h.server.Serve(listener) }()
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Data struct{ ID int64 }
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil || message.Data.ID == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.seen[message.Data.ID]++
	h.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// missing are those of these events that have not arrived.
func (h *hooks) missing(ids []int64) (left []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		if h.seen[id] == 0 {
			left = append(left, id)
		}
	}
	return left
}
