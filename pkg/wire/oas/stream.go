package oas

import (
	"errors"
	"net/http"
	"time"
)

// ChunkTimeout is how long a client may take to accept a chunk of a long answer. For that long, a
// client that reads nothing holds a connection and a buffer.
const ChunkTimeout = 30 * time.Second

// Stream writes a long answer. Each Write has a deadline of its own: a client that keeps reading
// may take as long as it needs.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// NewStream returns a Stream to a client.
func NewStream(w http.ResponseWriter) Stream { return Stream{w, http.NewResponseController(w)} }

// Write implements io.Writer.
func (s Stream) Write(p []byte) (int, error) {
	err := s.control.SetWriteDeadline(time.Now().Add(ChunkTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return s.w.Write(p)
}
