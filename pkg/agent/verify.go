package agent

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// lookAt opens the directory of a server to read it.
func lookAt(path string) (*directory, error) {
	d := &directory{path: path}
	var err error
	if d.root, err = os.OpenRoot(path); err != nil {
		return nil, err
	}
	if d.own, err = d.root.OpenRoot(dirOwn); err != nil {
		err = fmt.Errorf("%s was not written by the agent: %w", path, err)
		return nil, errors.Join(err, d.root.Close())
	}
	return d, nil
}

// Verify checks the files of an instance as OpenVPN would read them, and returns what is wrong.
func Verify(id int64, dir string, now time.Time) (faults []string, err error) {
	d, err := lookAt(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	m, err := d.recall(id)
	if err != nil {
		return nil, err
	}
	for _, check := range []func(memory, time.Time) error{
		d.checkLists, d.checkCertificate, d.checkReadable, d.checkCovered,
	} {
		if fault := check(m, now); fault != nil {
			faults = append(faults, fault.Error())
		}
	}
	return faults, nil
}

// checkLists checks that the lists are those that were put into place, and in force.
func (d *directory) checkLists(m memory, now time.Time) error {
	text, err1 := d.root.ReadFile(nameCRL)
	authorities, err2 := d.root.ReadFile(nameCA)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	lists, err := readLists(text, authorities, m.Lists)
	if err != nil {
		return fmt.Errorf("%s: %w", nameCRL, err)
	}
	return errors.Join(admit(lists, m.Lists, now), d.checkSerials(lists))
}

// checkCovered checks that each CA has a list: without it, revoked certificates of it are let in.
func (d *directory) checkCovered(memory, time.Time) error {
	text, err1 := d.root.ReadFile(nameCRL)
	authorities, err2 := d.root.ReadFile(nameCA)
	cas, err3 := ca.ParseCertificates(authorities)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	lists, err := readLists(text, authorities, nil)
	if err != nil {
		return nil // checkLists says so
	}
	var faults []error
	for _, cert := range cas {
		if !slices.ContainsFunc(lists, func(l list) bool { return l.issuer == ca.IssuerTag(cert) }) {
			faults = append(faults, fmt.Errorf("%s: %w", cert.Subject, errNoList))
		}
	}
	return errors.Join(faults...)
}

// checkCertificate checks that the certificate of the server has its key, and is in force.
func (d *directory) checkCertificate(_ memory, now time.Time) error {
	cert, err1 := d.root.ReadFile(nameCert)
	key, err2 := d.root.ReadFile(nameKey)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("%s: %w", nameCert, err)
	}
	if leaf := pair.Leaf; now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return fmt.Errorf(
			"%s is in force from %s to %s", nameCert, leaf.NotBefore.Format(time.RFC3339), leaf.NotAfter.Format(time.RFC3339),
		)
	}
	return nil
}

// checkReadable checks that OpenVPN can read the lists and the files of the sites after it has
// dropped its privileges, and that nobody else can read the keys.
func (d *directory) checkReadable(memory, time.Time) error {
	var faults []error
	public := []string{".", nameCRL, dirSites}
	sites, err := d.names(dirSites)
	if err != nil {
		return err
	}
	for _, name := range append(public, sites...) {
		info, err := d.root.Stat(name)
		if err != nil {
			faults = append(faults, err)
		} else if need := readable(info); info.Mode().Perm()&need != need {
			faults = append(faults, fmt.Errorf("%s has mode %#o: OpenVPN can't read it without privileges",
				filepath.Join(d.path, name), info.Mode().Perm()))
		}
	}
	for _, name := range []string{nameKey, nameControl, nameEarlier} {
		if info, err := d.root.Stat(name); err == nil && info.Mode().Perm()&0o007 != 0 {
			faults = append(faults, fmt.Errorf("%s has mode %#o: others can read it", name, info.Mode().Perm()))
		}
	}
	return errors.Join(faults...)
}

func readable(info fs.FileInfo) fs.FileMode {
	if info.IsDir() {
		return 0o005
	}
	return 0o004
}
