package agent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The names in the directory of a server that mean something to the agent.
const (
	nameConfig  = "server.conf"
	nameCA      = "ca.crt"
	nameCert    = "server.crt"
	nameKey     = "server.key"
	nameControl = "control.key"
	nameEarlier = "control-earlier.key" // while a campaign runs, for sites that have no later key yet
	nameCRL     = "crl.pem"
	dirSites    = "ccd"
	dirUnits    = "systemd"
	dirOCSP     = "ocsp"   // of ocsp-verify.sh
	dirOwn      = ".agent" // what no other program needs: the memory, and files that are being written
)

// The modes. OpenVPN reads lists and the files of sites after it has dropped its privileges.
const (
	modePublic = 0o644
	modeSecret = 0o600
	modeGroup  = 0o640
	modeDir    = 0o755
	modeOwn    = 0o700
)

// directory is that of a server. Nothing outside of it is written: os.Root refuses links and names
// that lead out of it.
type directory struct {
	path string
	root *os.Root
	own  *os.Root
	gid  int // the group that may read the keys; -1: none
	// step is called before each change of a file. Tests end the agent there.
	step func(what string) error
}

func openDirectory(path string, gid int) (_ *directory, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := errors.Join(os.MkdirAll(path, modeDir), os.Chmod(path, modeDir)); err != nil {
			return nil, err
		}
	}
	d := &directory{path: path, gid: gid, step: func(string) error { return nil }}
	if d.root, err = os.OpenRoot(path); err != nil {
		return nil, err
	}
	for name, mode := range map[string]fs.FileMode{
		dirSites: modeDir, dirUnits: modeDir, dirOCSP: modeDir, dirOwn: modeOwn,
	} {
		if err := makeDir(d.root, name, mode); err != nil {
			return nil, errors.Join(err, d.root.Close())
		}
	}
	if d.own, err = d.root.OpenRoot(dirOwn); err != nil {
		return nil, errors.Join(err, d.root.Close())
	}
	return d, nil
}

// makeDir makes a directory unless it is there.
func makeDir(root *os.Root, name string, mode fs.FileMode) error {
	err := root.Mkdir(name, mode)
	if err == nil {
		err = root.Chmod(name, mode) // whatever the umask
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (d *directory) Close() error { return errors.Join(d.own.Close(), d.root.Close()) }

// file is one that the agent puts into the directory.
type file struct {
	name    string
	content []byte
	secret  bool
}

// good reports whether a name is one that the agent writes: in the directory itself, or in one of
// those that it makes for the files of the service.
func good(name string) bool {
	dir, base, nested := strings.Cut(name, "/")
	if !nested {
		dir, base = "", name
	}
	dirs := []string{dirSites, dirUnits, dirOCSP}
	return (dir == "" || slices.Contains(dirs, dir)) && base != "" && base != "." && base != ".." &&
		!strings.ContainsAny(base, "/\\\x00") && name != dirOwn && name != dirSerials && !slices.Contains(dirs, name)
}

// read returns a file, or nil where there is none.
func (d *directory) read(name string) ([]byte, error) {
	content, err := d.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

// names are those of the files in a directory below.
func (d *directory) names(dir string) ([]string, error) {
	entries, err := fs.ReadDir(d.root.FS(), dir)
	var names []string
	for _, e := range entries {
		names = append(names, dir+"/"+e.Name())
	}
	return names, err
}

// put replaces a file as a whole. at is its time; zero is the present.
func (d *directory) put(f file, at time.Time) error {
	if err := d.step("write " + f.name); err != nil {
		return err
	}
	mode := fs.FileMode(modePublic)
	if f.secret {
		mode = modeSecret
	}
	if f.secret && d.gid >= 0 {
		mode = modeGroup
	}
	if err := d.prepare(f, mode, at); err != nil {
		return err
	}
	if err := d.step("rename " + f.name); err != nil {
		return err
	}
	if err := d.root.Rename(dirOwn+"/"+tmpName, f.name); err != nil {
		return err
	}
	return d.sync(filepath.Dir(f.name))
}

const tmpName = "new"

// prepare writes a file where nobody reads it yet.
func (d *directory) prepare(f file, mode fs.FileMode, at time.Time) (err error) {
	if err := d.own.Remove(tmpName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w, err := d.own.OpenFile(tmpName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, modeSecret)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if _, err := w.Write(f.content); err != nil {
		return err
	}
	if f.secret && d.gid >= 0 {
		if err := w.Chown(-1, d.gid); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Chmod(mode), w.Sync()); err != nil {
		return err
	}
	if at.IsZero() {
		return nil
	}
	return d.own.Chtimes(tmpName, at, at)
}

// nextTime is a time for a file in a later second than the one in place. OpenVPN reads a list again
// only if the second or the size of its file differs.
func (d *directory) nextTime(name string, now time.Time) (time.Time, error) {
	now = now.Truncate(time.Second)
	info, err := d.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return now, nil
	}
	if err != nil {
		return now, err
	}
	if next := info.ModTime().Truncate(time.Second).Add(time.Second); next.After(now) {
		return next, nil
	}
	return now, nil
}

func (d *directory) writeOwn(name string, content []byte) error {
	return d.put(file{name: dirOwn + "/" + name, content: content, secret: true}, time.Time{})
}

func (d *directory) remove(name string) error {
	if err := d.step("remove " + name); err != nil {
		return err
	}
	if err := d.root.RemoveAll(name); err != nil {
		return err
	}
	return d.sync(filepath.Dir(name))
}

// sync makes what was renamed in a directory outlast a power failure.
func (d *directory) sync(name string) error {
	dir, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
