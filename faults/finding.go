package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// findings are what must not be. The first one ends the campaign.
type findings struct {
	begun time.Time
	ended chan struct{} // closed at the first finding

	mu    sync.Mutex // guards what follows
	doing string     // the fault that is under way, or was last
	list  []string
}

func newFindings() *findings { return &findings{begun: time.Now(), ended: make(chan struct{})} }

// during says which fault is under way.
func (f *findings) during(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.doing = what
}

func (f *findings) add(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		close(f.ended)
	}
	if len(f.list) < 20 {
		at := time.Since(f.begun).Round(time.Millisecond)
		f.list = append(f.list, fmt.Sprintf("after %s, at %s: %s", at, f.doing, text))
	}
}

// first is all that was found, the first one first; nil: nothing was.
func (f *findings) first() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		return nil
	}
	return errors.New(strings.Join(f.list, "\n"))
}

// find reports what must not be.
func (c *campaign) find(format string, values ...any) outcome {
	c.findings.add(fmt.Sprintf(format, values...))
	return wrong
}
