package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// notify tells systemd of the state of this program (sd_notify(3)); without systemd it does
// nothing. That a message is lost is for systemd to see.
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// watchdogTime is within what time systemd wants to hear of this program; 0: it does not.
func watchdogTime() time.Duration {
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || micros <= 0 {
		return 0
	}
	return time.Duration(micros) * time.Microsecond
}

// stuckAfter is how long a step may take before an instance counts as stuck: longer than all its
// timeouts together.
const stuckAfter = 3 * time.Minute

// tell tells systemd that the program is ready once each instance has had a step, and that it is
// alive as long as none is stuck.
func (p *Program) tell(ctx context.Context, first *sync.WaitGroup) {
	ready := make(chan struct{})
	go func() { first.Wait(); close(ready) }()
	select {
	case <-ready:
		leaner()
		notify(fmt.Sprintf("READY=1\nSTATUS=%d instances", len(p.Instances)))
	case <-ctx.Done():
		return
	}
	lean := time.NewTicker(leanEvery)
	defer lean.Stop()
	watchdog, stop := watchdogTicks()
	defer stop()
	for {
		select {
		case <-lean.C:
			leaner()
		case <-watchdog:
			if p.alive() {
				notify("WATCHDOG=1")
			}
		case <-ctx.Done():
			return
		}
	}
}

// leanEvery is how often memory is given back that only a change has needed. It takes some
// milliseconds of processor time.
const leanEvery = 15 * time.Second

// watchdogTicks ticks as often as systemd wants to hear of this program.
func watchdogTicks() (ticks <-chan time.Time, stop func()) {
	every := watchdogTime() / 3
	if every == 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(every)
	return ticker.C, ticker.Stop
}

func (p *Program) alive() bool {
	now := p.Now()
	for _, i := range p.Instances {
		if h := i.health.snapshot(); now.Sub(h.lapsed).Abs() > stuckAfter {
			return false
		}
	}
	return true
}
