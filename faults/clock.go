package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// clockVariable names the file from which a replica reads by how many seconds its clock is off.
const clockVariable = "CHAVEIRO_FAULTS_CLOCK"

// The text of time.Now that is replaced, and what is put there. Only the clock that people read is
// moved: the kernel does not move the monotonic one either.
const (
	nowBefore = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	nowAfter  = nowBefore + "\tsec += clockJump.Load()\n"
)

// jumpSource is a further file of the package time.
const jumpSource = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// clockJump is by how many seconds the clock is off. Another process writes it.
var clockJump = mapClockJump()

func mapClockJump() *atomic.Int64 {
	path, found := syscall.Getenv("` + clockVariable + `")
	if !found {
		return new(atomic.Int64)
	}
	file, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic("the file of the clock: " + err.Error())
	}
	page, err := syscall.Mmap(file, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("the file of the clock: " + err.Error())
	}
	_ = syscall.Close(file)
	return (*atomic.Int64)(unsafe.Pointer(&page[0]))
}
`

// buildMovable builds the program with a clock that can be moved. Nothing of its own sources is
// different: the compiler gets another time.Now, by -overlay. The kernel has no namespace for the
// clock that time.Now reads, and a static program loads no library that could stand before it.
func buildMovable(ctx context.Context, dir string) error {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	if strings.Count(string(text), nowBefore) != 1 {
		return errors.New("time.Now of this version of Go is another one: see clock.go")
	}
	kept, err := keptFolder()
	if err != nil {
		return err
	}
	changed, added, list := filepath.Join(kept, "time.go"), filepath.Join(kept, "jump.go"), filepath.Join(dir, "overlay.json")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		original: changed, filepath.Join(filepath.Dir(original), "chaveirofaults.go"): added,
	}})
	err = errors.Join(err, os.WriteFile(list, overlay, 0o600), replace(added, jumpSource),
		replace(changed, strings.Replace(string(text), nowBefore, nowAfter, 1)))
	if err != nil {
		return err
	}
	return apptest.Build(ctx, dir, "-overlay", list)
}

// movesClock says whether a program was built with a clock that can be moved.
func movesClock(binary string) (bool, error) {
	text, err := os.ReadFile(binary)
	return bytes.Contains(text, []byte(clockVariable)), err
}

// keptFolder is where the sources stay between campaigns. The compiler builds everything once more
// for sources of another place, which takes minutes.
func keptFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "chaveiro", "faults-"+runtime.Version())
	return folder, os.MkdirAll(folder, 0o700)
}

// replace writes a file completely or not at all: another campaign may read it.
func replace(path, text string) error {
	if before, err := os.ReadFile(path); err == nil && string(before) == text {
		return nil
	}
	temporary := path + "." + strconv.Itoa(os.Getpid())
	return errors.Join(os.WriteFile(temporary, []byte(text), 0o600), os.Rename(temporary, path))
}

// movable is the clock of one replica.
type movable struct {
	path string
	off  *atomic.Int64
}

func newMovable(path string) (*movable, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := binary.Write(file, binary.NativeEndian, int64(0)); err != nil {
		return nil, err
	}
	page, err := unix.Mmap(int(file.Fd()), 0, 8, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &movable{path: path, off: (*atomic.Int64)(unsafe.Pointer(&page[0]))}, nil
}

// set puts the clock off by so much, in whole seconds.
func (m *movable) set(off time.Duration) { m.off.Store(int64(off / time.Second)) }
