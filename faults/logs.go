package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// logScan looks at what replicas have logged, when they have ended: each line is JSON, none tells
// of a panic, and none has a secret.
type logScan struct {
	ledger *ledger
	keep   string // directory; empty: nothing is kept

	mu    sync.Mutex // guards what follows
	lines int
}

func (l *logScan) add(log string) error {
	var secrets []string
	l.ledger.note("", func() { secrets = append(secrets, l.ledger.secrets...) })
	lines := 0
	for line := range strings.Lines(log) {
		lines++
		if !json.Valid([]byte(line)) {
			return fmt.Errorf("in the log: %.2000s", line)
		}
	}
	for _, secret := range append(secrets, "PRIVATE KEY", "whsec_") {
		if _, after, found := strings.Cut(log, secret); found {
			return fmt.Errorf("a secret (%.8s…) is in the log, before %.200s", secret, after)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines += lines
	return nil
}

// save keeps the log of the present process of a replica.
func (l *logScan) save(r *replica) error {
	if l.keep == "" {
		return nil
	}
	name := filepath.Join(l.keep, fmt.Sprintf("replica%d-%d.log", r.number, os.Getpid()))
	return errors.Join(os.MkdirAll(l.keep, 0o700), os.WriteFile(name, []byte(r.now().Log()), 0o600))
}
