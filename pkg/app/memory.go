package app

import (
	"log/slog"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is the part of the machine's or container's memory, in percent, beyond which the garbage collector works harder.
const memoryShare = 75

// LimitMemory sets the soft limit of the heap to three quarters of what the machine or the control group has, unless GOMEMLIMIT in the environment says
// how much. It logs what holds.
func LimitMemory(log *slog.Logger) {
	if set := os.Getenv("GOMEMLIMIT"); set != "" {
		log.Info("memory", "limit", set, "origin", "GOMEMLIMIT")
		return
	}
	available := availableMemory("")
	if available == 0 {
		return
	}
	limit := available / 100 * memoryShare
	debug.SetMemoryLimit(limit)
	log.Info("memory", "limit", strconv.FormatInt(limit>>20, 10)+"MiB", "origin", "75 % of what the system has")
}

// availableMemory is the least of the memory of the machine and the limits of the control groups that the process is in, in bytes; 0: not known. root is
// where the system's files are.
func availableMemory(root string) int64 {
	least := int64(math.MaxInt64)
	take := func(bytes int64) {
		if bytes > 0 {
			least = min(least, bytes)
		}
	}
	take(machineMemory(root + "/proc/meminfo"))
	take(readBytes(root + "/sys/fs/cgroup/memory/memory.limit_in_bytes"))
	for _, dir := range controlGroups(root + "/proc/self/cgroup") {
		take(readBytes(root + "/sys/fs/cgroup" + dir + "/memory.max"))
		take(readBytes(root + "/sys/fs/cgroup/memory" + dir + "/memory.limit_in_bytes"))
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// controlGroups lists the group of the process and all that it is in.
func controlGroups(file string) (dirs []string) {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[1] != "" && parts[1] != "memory" {
			continue
		}
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			dirs = append(dirs, dir)
			if dir == "/" {
				break
			}
		}
	}
	return dirs
}

func machineMemory(file string) int64 {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// readBytes reads a file that holds a number; "max" and what can't be read are 0.
func readBytes(file string) int64 {
	text, _ := os.ReadFile(file)
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}
