package app

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// minSpace is how much room there should be on the disk of the data: for the write-ahead log of a
// large import, and for a night until somebody looks.
const minSpace = 1 << 30

// files looks at who may read what is secret.
func (e *examination) files() {
	s := e.config.StorageConfig
	before := len(e.found)
	e.private(s.DataDir, 0o700)
	if s.MasterKey == "" {
		e.private(s.masterKeyFile(), 0o600)
	}
	if store.EngineOf(s.Location()) == store.SQLite {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			e.private(s.Location()+suffix, 0o600)
		}
	}
	if e.config.TLSKey != "" {
		e.private(e.config.TLSKey, 0o640)
	}
	if stores, err := s.openKeyStores(); err == nil { // what is wrong with them, another check says
		for _, one := range stores.All() {
			for _, path := range one.SecretFiles() {
				e.private(path, 0o640)
			}
		}
		_ = stores.Close()
	}
	if len(e.found) == before {
		e.good("files", "no other account can read what is secret")
	}
}

// private reports a file that more accounts may use than its mode should let. A file that is not
// there is the matter of another check.
func (e *examination) private(path string, most fs.FileMode) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && runtime.GOOS == "windows":
	case err != nil:
		e.fail("files", "run this as the account of the server", "%v", err)
	case info.Mode().Perm()&^most != 0 && info.IsDir():
		e.warn("files", "chmod 700 "+shellQuote(path), "%s has the mode %04o: others can look into it", path,
			info.Mode().Perm())
	case info.Mode().Perm()&^most != 0:
		e.fail("files", "chmod 600 "+shellQuote(path), "%s has the mode %04o: others can read it", path,
			info.Mode().Perm())
	}
}

// space looks at the disk of the data.
func (e *examination) space() {
	free, total, known := diskSpace(e.config.DataDir)
	switch {
	case !known:
	case free < minSpace || free*20 < total:
		e.warn("disk", "make room: when it is full nothing can be issued or revoked",
			"%d MB of %d MB are free at %s", free>>20, total>>20, e.config.DataDir)
	default:
		e.good("disk", "%d GB are free at %s", free>>30, e.config.DataDir)
	}
}

// entropyPatience is long: a system that has its random numbers gives them within microseconds.
const entropyPatience = time.Second

// entropy looks whether the system gives random numbers, without which no key can be made.
func (e *examination) entropy() {
	got := make(chan struct{})
	go func() {
		rand.Read(make([]byte, 32))
		close(got)
	}()
	select {
	case <-got:
		e.good("entropy", "the system gives random numbers")
	case <-time.After(entropyPatience):
		e.fail("entropy", "give the machine a source of entropy, as virtio-rng", "the system gives no random numbers")
	}
}
