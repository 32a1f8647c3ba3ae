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

// memoryShare is the share of the memory of the machine or container, in percent, above which the
// garbage collector works harder.
const memoryShare = 75

// LimitMemory sets the soft limit of the heap to three quarters of the memory of the machine or the
// control group, unless GOMEMLIMIT in the environment sets a limit. It logs the limit in force.
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

// availableMemory returns the least of the memory of the machine and the limits of the control
// groups that the process is in, in bytes; 0 means unknown. root is the directory of the system's
// files.
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

// controlGroups lists the control group of the process and all groups that contain it.
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

// readBytes reads a file that holds a number. For "max", and for what can't be read, it returns 0.
func readBytes(file string) int64 {
	text, _ := os.ReadFile(file)
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}
