package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// printMachine writes the properties of the machine that the figures depend on.
func printMachine(w io.Writer) {
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(w, "%s %s/%s, GOMAXPROCS %d, %s, load %s\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.GOMAXPROCS(0), cpuModel(), strings.TrimSpace(string(load)))
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// cpuTicks returns the time that all processors have worked, and the total time.
func cpuTicks() (busy, all int64) {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || i > 8 { // the user's time already includes that of the guests
			continue
		}
		all += n
		if i != 4 && i != 5 { // idle and waiting for the disk
			busy += n
		}
	}
	return busy, all
}

// process is what /proc says about a process.
type process struct {
	parent int
	ticks  int64 // processor time of the process itself; a tick is 10 ms
	ended  int64 // that of its children that have ended
}

func readProcess(pid int) (process, bool) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ") // the name before may contain anything
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return process{}, false
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
	return process{parent: int(number(1)), ticks: number(11) + number(12), ended: number(13) + number(14)}, true
}

// ownTicks is the processor time of this program and of everything it has started.
func ownTicks() int64 {
	all := map[int]process{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if p, ok := readProcess(pid); ok {
				all[pid] = p
			}
		}
	}
	var sum int64
	for pid, p := range all {
		for above := pid; above > 1; above = all[above].parent {
			if above == os.Getpid() {
				sum += p.ticks + p.ended
				break
			}
		}
	}
	return sum
}

// startedTicks is that of what it has started alone.
func startedTicks() int64 {
	self, _ := readProcess(os.Getpid())
	return ownTicks() - self.ticks
}

// usage is the processor time used up to now.
type usage struct{ busy, all, own int64 }

func usageNow() usage {
	busy, all := cpuTicks()
	return usage{busy: busy, all: all, own: ownTicks()}
}

// othersSince is the share of the machine that other programs have used since then.
func (u usage) othersSince() float64 {
	now := usageNow()
	if now.all == u.all {
		return 0
	}
	return max(0, float64(now.busy-u.busy-now.own+u.own)/float64(now.all-u.all))
}

// memory is the resident memory of a process, now and at its peak, as the kernel writes it.
func memory(pid int) (now, peak string) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			now = fmt.Sprintf("%d MB", kilobytes/1024)
		case "VmHWM":
			peak = fmt.Sprintf("%d MB", kilobytes/1024)
		}
	}
	return now, peak
}

// memoryRow adds what a server occupies.
func (b *bench) memoryRow(e engine, when string, pid int) {
	now, peak := memory(pid)
	b.table.add(row{engine: e.name, what: "memory after " + when, product: now, note: "peak " + peak})
}

// binarySize builds the server as a release is built, and adds its size.
func (b *bench) binarySize(ctx context.Context) error {
	path := filepath.Join(b.dir, "chaveiro")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/chaveiro/chaveiro/cmd/chaveiro")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the server: %w\n%s", err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	b.table.add(row{engine: "-", what: "size of the binary", product: fmt.Sprintf("%.1f MB", float64(info.Size())/1e6)})
	return nil
}
