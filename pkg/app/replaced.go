package app

import (
	"context"
	"time"
)

// fileInterval is how often a server looks whether the SQLite file is still the one that it has open. Each statement that writes looks, too.
const fileInterval = 500 * time.Millisecond

// watchFile tells when the SQLite file was replaced. Nothing of the one that is open would be found again, so the server ends, and a supervisor starts it
// with the other.
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
