package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// rateLine says how far long work has come: on a terminal by one line that is written anew,
// elsewhere by a line every few seconds.
type rateLine struct {
	out      *os.File
	terminal bool
	pause    time.Duration
	begun    time.Time // when the work that is shown began
	first    int64     // what was done then
	total    int64
	last     time.Time
	drawn    bool
}

// The pauses between two lines.
const (
	terminalPause = 200 * time.Millisecond
	plainPause    = 5 * time.Second
)

func newRateLine(out *os.File) *rateLine {
	l := &rateLine{out: out, terminal: term.IsTerminal(int(out.Fd())), pause: plainPause, last: time.Now()}
	if l.terminal {
		l.pause = terminalPause
	}
	return l
}

// show says how many of total are done of something, unless it has just said so. A total that was
// not known before begins a rate of its own.
func (l *rateLine) show(what string, done, total int64) {
	now := time.Now()
	if l.begun.IsZero() || total != l.total {
		l.begun, l.first, l.total = now, done, total
	}
	if now.Sub(l.last) < l.pause {
		return
	}
	l.last, l.drawn = now, true
	text := fmt.Sprintf("%s: %d of %d", what, done, total)
	if rate := float64(done-l.first) / now.Sub(l.begun).Seconds(); rate >= 1 {
		left := time.Duration(float64(total-done)/rate) * time.Second
		text += fmt.Sprintf(", %.0f/s, %s left", rate, left.Round(time.Second))
	}
	if l.terminal {
		fmt.Fprint(l.out, "\r\x1b[K"+text)
		return
	}
	fmt.Fprintln(l.out, text)
}

// end removes the line from a terminal.
func (l *rateLine) end() {
	if l.terminal && l.drawn {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
}
