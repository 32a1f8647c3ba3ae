package pkidir

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The bounds of an archive.
const (
	// MaxArchive is how many octets an archive may have.
	MaxArchive = 24 << 20
	// MaxArchiveParts is how many certificates it may have, and how many keys.
	MaxArchiveParts = 10_000
	maxEntries      = 60_000    // files and folders
	maxUnpacked     = 256 << 20 // octets of all files together
	maxKept         = 64 << 20  // octets of those files of a tar archive that may be of use
	maxArchiveList  = 12 << 20  // octets of a list or an index
)

const archiveField = "archive"

// Archive reads a zip or tar.gz archive with the directory of an easy-rsa PKI, or of any files with
// certificates and keys in PEM or PKCS #12. Nothing is written to disk.
//
// Errors: *domain.Error with the field archive, for what is no archive, or not one that can be
// trusted: names that lead out of it, names twice, encrypted files, too many files or too large
// ones. Links, archives within it and large certificates are faults of single files.
func Archive(data []byte) (domain.ForeignPKI, error) {
	files, err := unpack(data)
	if err != nil {
		return domain.ForeignPKI{}, err
	}
	names, faults, err := check(files.File)
	if err != nil {
		return domain.ForeignPKI{}, err
	}
	r := &reader{tree: files, root: ".", loose: true, large: maxArchiveList, parts: MaxArchiveParts}
	read := func() (domain.ForeignPKI, error) { err := r.walk(); return r.found, err }
	if slices.ContainsFunc(names, func(name string) bool { return path.Base(name) == authorityFile }) {
		root, err := find(files)
		switch {
		case err == nil:
			r.root, r.loose, read = root, false, r.easyRSA
		case errors.Is(err, ErrSeveral):
			return r.found, domain.Fault(domain.Invalid, archiveField, domain.ReasonSeveralCAs)
		case !errors.Is(err, ErrNoPKI):
			return r.found, fileFault(archiveField, domain.ReasonArchive, err)
		}
	}
	found, err := read()
	if err != nil && domain.Faults(err) == nil {
		err = fileFault(archiveField, domain.ReasonArchive, err)
	}
	found.Faults = append(found.Faults, faults...)
	if err == nil && nothing(found) {
		err = domain.Fault(domain.Invalid, archiveField, domain.ReasonArchiveEmpty)
	}
	return found, err
}

// nothing reports whether there is nothing that can be imported, nor a fault that says why.
func nothing(found domain.ForeignPKI) bool {
	return found.CA == nil && len(found.Certificates)+len(found.Bundles) == 0 &&
		len(found.CRLs)+len(found.Index)+len(found.Faults) == 0
}

// unpack opens an archive. A tar.gz becomes a zip archive in memory, with the files that may be of
// use, because that can be read like a directory.
func unpack(data []byte) (*zip.Reader, error) {
	if len(data) > MaxArchive {
		return nil, domain.Fault(domain.Invalid, archiveField, domain.ReasonArchiveSize, MaxArchive>>20)
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		var err error
		if data, err = repack(data); err != nil {
			return nil, err
		}
	}
	files, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fileFault(archiveField, domain.ReasonArchive, err)
	}
	return files, nil
}

// check looks at the names, kinds and sizes of all files before one is read.
func check(files []*zip.File) (names []string, faults []domain.ForeignFault, err error) {
	if len(files) > maxEntries {
		return nil, nil, domain.Fault(domain.Rule, archiveField, domain.ReasonTooMany, maxEntries)
	}
	seen := make(map[string]bool, len(files))
	var size uint64
	for _, file := range files {
		file.Name = strings.ToValidUTF8(file.Name, "_") // the code page of old programs is not known
		name := cleaned(file.Name)
		size += file.UncompressedSize64
		switch {
		case !safe(file.Name):
			return nil, nil, inArchive(file.Name, domain.ReasonArchivePath)
		case seen[name]:
			return nil, nil, inArchive(file.Name, domain.ReasonTwice)
		case file.Flags&1 != 0:
			return nil, nil, inArchive(file.Name, domain.ReasonArchiveLocked)
		case size > maxUnpacked || file.UncompressedSize64 > maxUnpacked:
			return nil, nil, domain.Fault(domain.Invalid, archiveField, domain.ReasonArchiveSize, maxUnpacked>>20)
		}
		seen[name] = true
		file.Name = strings.ReplaceAll(file.Name, `\`, "/")
		names = append(names, name)
		if reason := oddity(name, file.Mode()); reason != "" {
			faults = append(faults, domain.ForeignFault{Path: name, Err: fileFault("", reason, nil)})
		}
	}
	return names, faults, nil
}

// inArchive is the fault of an archive that one of its files has.
func inArchive(name string, reason domain.Reason) error {
	return &domain.Error{Kind: domain.Invalid, Field: archiveField, Reason: reason, File: shown(name)}
}

// maxName is how many octets the name of a file may have.
const maxName = 1024

// shown makes the name of a file one that can be shown.
func shown(name string) string {
	name = name[:min(len(name), maxName)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
}

// cleaned is the name of a file as the reader of zip archives takes it.
func cleaned(name string) string {
	return strings.TrimSuffix(path.Clean(strings.ReplaceAll(name, `\`, "/")), "/")
}

// safe reports whether the name of a file is one below the archive, for all systems.
func safe(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	if len(name) == 0 || len(name) > maxName || strings.HasPrefix(name, "/") || strings.Contains(name, ":") ||
		shown(name) != name {
		return false
	}
	return !slices.Contains(strings.Split(name, "/"), "..")
}

// oddity says why a file is not read; empty: it is.
func oddity(name string, mode fs.FileMode) domain.Reason {
	switch {
	case mode.IsDir():
		return ""
	case !mode.IsRegular():
		return domain.ReasonArchiveLink
	case slices.Contains([]string{".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"},
		strings.ToLower(path.Ext(name))):
		return domain.ReasonArchiveNested
	}
	return ""
}

// repack makes a zip archive of a tar.gz.
func repack(data []byte) ([]byte, error) {
	inner, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fileFault(archiveField, domain.ReasonArchive, err)
	}
	bounded := &io.LimitedReader{R: inner, N: maxUnpacked}
	from := tar.NewReader(bounded)
	var out bytes.Buffer
	into := zip.NewWriter(&out)
	for count := 0; ; count++ {
		header, err := from.Next()
		if errors.Is(err, io.EOF) && count > 0 {
			break
		}
		if err == nil || errors.Is(err, tar.ErrInsecurePath) {
			err = repackOne(into, header, from)
		}
		switch {
		case bounded.N == 0:
			return nil, domain.Fault(domain.Invalid, archiveField, domain.ReasonArchiveSize, maxUnpacked>>20)
		case out.Len() > maxKept:
			return nil, domain.Fault(domain.Invalid, archiveField, domain.ReasonArchiveSize, maxKept>>20)
		case count >= maxEntries:
			return nil, domain.Fault(domain.Rule, archiveField, domain.ReasonTooMany, maxEntries)
		case err != nil:
			return nil, fileFault(archiveField, domain.ReasonArchive, err)
		}
	}
	err = into.Close()
	return out.Bytes(), err
}

// repackOne copies one entry; of a large file that is neither a list nor an index only so much that
// it is seen to be too large.
func repackOne(into *zip.Writer, header *tar.Header, from io.Reader) error {
	info := header.FileInfo()
	if header.Typeflag == tar.TypeLink {
		header.Typeflag = tar.TypeSymlink // a zip archive has no other kind of link
		info = header.FileInfo()
	}
	entry, err := zip.FileInfoHeader(info)
	if err != nil {
		return err
	}
	entry.Name, entry.Method = strings.TrimPrefix(header.Name, "./"), zip.Store
	if entry.Name == "" {
		return nil // the folder itself
	}
	if info.IsDir() {
		entry.Name = strings.TrimSuffix(entry.Name, "/") + "/"
	}
	limit := int64(maxFile)
	if base := path.Base(header.Name); base == indexFile || strings.Contains(base, "crl") {
		limit = maxArchiveList
	}
	out, err := into.CreateHeader(entry)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	_, err = io.CopyN(out, from, limit+1)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
