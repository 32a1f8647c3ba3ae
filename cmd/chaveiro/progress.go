package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progressBar shows on a terminal how much of something is done; elsewhere it shows nothing.
type progressBar struct {
	out  *os.File
	on   bool
	last time.Time
}

func newProgressBar(out *os.File) *progressBar {
	return &progressBar{out: out, on: term.IsTerminal(int(out.Fd()))}
}

// barWidth is the width of a full bar, and barPause how often it is drawn.
const (
	barWidth = 40
	barPause = 100 * time.Millisecond
)

// show draws the bar anew, unless it was drawn just now.
func (b *progressBar) show(done, total int) {
	if !b.on || total == 0 || done < total && time.Since(b.last) < barPause {
		return
	}
	b.last = time.Now()
	full := min(done, total) * barWidth / total
	fmt.Fprintf(
		b.out, "\r[%s%s] %d of %d", strings.Repeat("#", full), strings.Repeat(" ", barWidth-full), done, total,
	)
}

// end removes the bar.
func (b *progressBar) end() {
	if b.on && !b.last.IsZero() {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
