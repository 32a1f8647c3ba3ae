package agent

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
)

// heapGrowth is by how many percent the heap may grow until garbage is collected. The agent makes
// little, and it is to leave the memory of its machine to OpenVPN.
const heapGrowth = 20

// leaner gives back the memory that only the start of the program, or a change, has needed: what
// is free in the heap, and the pages of the program file. The program has the whole service in
// it, whose packages are initialised as they start; of the agent itself a few megabytes are used.
// A page that is needed again comes from the file.
func leaner() {
	debug.SetGCPercent(heapGrowth)
	debug.FreeOSMemory()
	program, err := os.Executable()
	if err != nil {
		return
	}
	file, err := os.Open("/proc/self/maps") // proc_pid_maps(5)
	if err != nil {
		return
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		forget(lines.Text(), program)
	}
}

// forget drops the pages of a mapping that can't be written to. An error leaves them where they
// are.
func forget(mapping, program string) {
	var from, to uintptr
	var access string
	if _, err := fmt.Sscanf(mapping, "%x-%x %s", &from, &to, &access); err != nil ||
		strings.Contains(access, "w") || !strings.HasSuffix(mapping, " "+program) {
		return
	}
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
}
