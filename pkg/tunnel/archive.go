package tunnel

import (
	"archive/tar"
	"archive/zip"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"
)

// File is a file of a bundle. A name that ends with a slash is that of a directory.
type File struct {
	Name     string
	Content  []byte
	Secret   bool // only its owner may read it
	Modified time.Time
}

// fileTime is the time of files whose time means nothing, so that a bundle of the same contents is
// the same file.
var fileTime = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

func (f File) directory() bool { return strings.HasSuffix(f.Name, "/") }

func (f File) mode() int64 {
	switch {
	case f.directory():
		return 0o755
	case f.Secret:
		return 0o600
	}
	return 0o644
}

// ModifiedAt is the time that the file is to have, in whole seconds.
func (f File) ModifiedAt() time.Time {
	if f.Modified.IsZero() {
		return fileTime
	}
	return f.Modified.UTC().Truncate(time.Second)
}

func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
}

// digest is the same for the same files.
func digest(files []File) string {
	hash := sha256.New()
	for _, f := range files {
		sum := sha256.Sum256(f.Content)
		io.WriteString(hash, f.Name+"\x00"+f.ModifiedAt().Format(time.RFC3339)+"\x00") //nolint:errcheck // a hash
		hash.Write(sum[:])
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

func writeTar(w io.Writer, files []File) error {
	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	for _, f := range files {
		header := &tar.Header{
			Name: f.Name, Mode: f.mode(), Size: int64(len(f.Content)), ModTime: f.ModifiedAt(), Typeflag: tar.TypeReg,
			Format: tar.FormatPAX, Uname: "root", Gname: "root",
		}
		if f.directory() {
			header.Typeflag = tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.Content); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

func writeZip(w io.Writer, files []File) error {
	archive := zip.NewWriter(w)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.Name, Modified: f.ModifiedAt(), Method: zip.Deflate}
		header.SetMode(modeOf(f))
		part, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.Content); err != nil {
			return err
		}
	}
	return archive.Close()
}
