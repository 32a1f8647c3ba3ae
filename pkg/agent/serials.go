package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// dirSerials has an empty file for each revoked serial number, in decimal, of whatever CA: what
// OpenVPN looks into with "crl-verify crl dir". Source: openvpn(8), crl-verify.
const dirSerials = "crl"

// serialFiles are the names of the files for the entries of all lists.
func serialFiles(lists []list) map[string]bool {
	names := map[string]bool{}
	for _, l := range lists {
		for _, entry := range l.entries {
			if entry.Reason != ca.RemoveFromCRL {
				names[entry.Serial.String()] = true
			}
		}
	}
	return names
}

// serials returns what is in the directory of the serials; nil where there is none.
func (d *directory) serials() (map[string]bool, error) {
	dir, err := d.root.Open(dirSerials)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := dir.Readdirnames(-1)
	names := map[string]bool{}
	for _, name := range list {
		names[name] = true
	}
	return names, errors.Join(err, dir.Close())
}

// addSerials makes the files that are missing. OpenVPN reads none of them, so they need not come
// by a rename.
func (d *directory) addSerials(wanted map[string]bool) error {
	if err := makeDir(d.root, dirSerials, modeDir); err != nil {
		return err
	}
	there, err := d.serials()
	if err != nil {
		return err
	}
	added := false
	for name := range wanted {
		if there[name] {
			continue
		}
		added = true
		if err := errors.Join(d.step("write "+dirSerials), d.touch(dirSerials+"/"+name)); err != nil {
			return err
		}
	}
	if !added {
		return nil
	}
	return d.sync(dirSerials)
}

// touch makes an empty file that all can read.
func (d *directory) touch(name string) error {
	file, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE, modePublic)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(modePublic), file.Close())
}

// dropSerials removes the files of serials that are not revoked any more, and whatever else is
// there.
func (d *directory) dropSerials(wanted map[string]bool) error {
	there, err := d.serials()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !wanted[name] {
			if err := d.remove(dirSerials + "/" + name); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSerials checks that the directory of the serials, if there is one, is what the lists say.
func (d *directory) checkSerials(lists []list) error {
	there, err := d.serials()
	if err != nil || there == nil {
		return err
	}
	wanted := serialFiles(lists)
	for name := range wanted {
		if !there[name] {
			return fmt.Errorf("%s/%s is not there: OpenVPN would let it in, if it reads %s", dirSerials, name, dirSerials)
		}
	}
	for name := range there {
		if !wanted[name] {
			return fmt.Errorf("%s/%s is of no revocation", dirSerials, name)
		}
	}
	return nil
}
