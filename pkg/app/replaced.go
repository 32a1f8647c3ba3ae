package app

import (
	"context"
	"time"
)

// fileInterval is how often a server checks whether the SQLite file is still the one that it has
// open. Every writing statement checks that, too.
const fileInterval = 500 * time.Millisecond

// watchFile reports when the SQLite file was replaced. What the server writes to the open file is
// lost then, so the server ends, and a supervisor starts it with the new file.
func (s *Server) watchFile(ctx context.Context, found chan<- error) {
	ticker := time.NewTicker(fileInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.storage.Store.Replaced(); err != nil {
				s.log.ErrorContext(ctx, "the database file was replaced: the server ends", "error", err)
				found <- err
				return
			}
		}
	}
}
