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
	if secret, after := firstOf(append(secrets, "PRIVATE KEY", "whsec_"), log); secret != "" {
		return fmt.Errorf("a secret (%.8s…) is in the log, before %.200s", secret, after)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines += lines
	return nil
}

// firstOf is the first of these secrets in a log, and what follows it; empty: there is none. It
// reads the log once, however many secrets there are: a replica is down meanwhile. Secrets have six
// bytes at least.
func firstOf(secrets []string, log string) (secret, after string) {
	const head = 6
	byHead := map[string][]string{}
	for _, secret := range secrets {
		byHead[secret[:head]] = append(byHead[secret[:head]], secret)
	}
	for at := range len(log) - head + 1 {
		for _, secret := range byHead[log[at:at+head]] {
			if after, found := strings.CutPrefix(log[at:], secret); found {
				return secret, after
			}
		}
	}
	return "", ""
}

// save keeps the log of the present process of a replica.
func (l *logScan) save(r *replica) error {
	if l.keep == "" {
		return nil
	}
	name := filepath.Join(l.keep, fmt.Sprintf("replica%d-%d.log", r.number, os.Getpid()))
	return errors.Join(os.MkdirAll(l.keep, 0o700), os.WriteFile(name, []byte(r.now().Log()), 0o600))
}
