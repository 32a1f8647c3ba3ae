package app

import "golang.org/x/sys/unix"

// diskSpace returns the bytes that the account may still use on the disk of a directory, and those
// that the disk has.
func diskSpace(dir string) (free, total uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), true
}

// systemClock asks the kernel whether NTP keeps the clock.
func (e *examination) systemClock() {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return // a container may not ask
	}
	if state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		e.warn("clock", "run chrony or systemd-timesyncd", "no time service keeps the clock of this machine")
		return
	}
	e.good("clock", "a time service keeps the clock of this machine")
}
