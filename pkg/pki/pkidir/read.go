package pkidir

import (
	"bytes"
	"cmp"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The bounds of what is read.
const (
	maxFile  = 64 << 10  // octets of a file, but for lists and indexes
	maxLarge = 64 << 20  // octets of a list or an index
	maxFiles = 1_000_000 // files of a tree
	maxDepth = 4         // folders between the directory that is given and that of the CA
)

// The errors of a directory.
var (
	ErrNoPKI     = errors.New("there is no ca.crt with an index.txt in the directory, nor in those below it")
	ErrSeveral   = errors.New("there is more than one ca.crt with an index.txt")
	ErrTooMany   = fmt.Errorf("there are more than %d files", maxFiles)
	errLargeFile = fmt.Errorf("the file is larger than %d KiB", maxFile>>10)
)

// fileFault is the fault of a file, or of a row of the index.
func fileFault(field string, reason domain.Reason, cause error) error {
	return &domain.Error{Kind: domain.Invalid, Field: field, Reason: reason, Err: cause}
}

const (
	authorityFile = "ca.crt"
	indexFile     = "index.txt"
	keyFile       = "private/ca.key"
	oldKeyFile    = "ca.key" // of version 2
	listFile      = "crl.pem"
)

// EasyRSA reads the directory of an easy-rsa PKI, which is the one with ca.crt and index.txt, or
// one with exactly one such below it. Errors: ErrNoPKI, ErrSeveral, ErrTooMany, and those of the
// files.
func EasyRSA(tree fs.FS) (domain.ForeignPKI, error) {
	root, err := find(tree)
	if err != nil {
		return domain.ForeignPKI{}, err
	}
	return (&reader{tree: tree, root: root, large: maxLarge}).easyRSA()
}

func (r *reader) easyRSA() (domain.ForeignPKI, error) {
	err := r.walk()
	if err == nil {
		r.found.Index, err = r.index()
	}
	return r.found, err
}

// PEM reads all certificates, keys and lists of a directory and of those below it, whatever the
// names of the files are. Errors: ErrTooMany, and those of the files.
func PEM(tree fs.FS) (domain.ForeignPKI, error) {
	r := reader{tree: tree, root: ".", loose: true, large: maxLarge}
	err := r.walk()
	return r.found, err
}

// find returns the folder of the PKI.
func find(tree fs.FS) (string, error) {
	var roots []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.Count(name, "/") >= maxDepth:
			return fs.SkipDir
		case entry.Name() == authorityFile && exists(tree, path.Join(path.Dir(name), indexFile)):
			roots = append(roots, path.Dir(name))
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case len(roots) == 0:
		return "", ErrNoPKI
	case slices.Contains(roots, "."): // copies of it may be below
		return ".", nil
	case len(roots) > 1:
		return "", fmt.Errorf("%w: in %s", ErrSeveral, strings.Join(roots, ", "))
	}
	return roots[0], nil
}

func exists(tree fs.FS, name string) bool {
	info, err := fs.Stat(tree, name)
	return err == nil && info.Mode().IsRegular()
}

// reader reads the files of one PKI.
type reader struct {
	tree  fs.FS
	root  string
	loose bool            // the names of files mean nothing
	seen  map[string]bool // certificates, keys and lists that another file has as well
	files int
	large int64 // octets of a list or an index at most
	parts int   // certificates, and keys, at most; 0: any number
	found domain.ForeignPKI
}

// ended reports whether there are more certificates, or keys, than may be.
func (r *reader) ended() error {
	for _, list := range [][]domain.ForeignPart{r.found.Certificates, r.found.Keys, r.found.Bundles, r.found.CRLs} {
		if r.parts > 0 && len(list) > r.parts {
			return domain.Fault(domain.Rule, archiveField, domain.ReasonTooMany, r.parts)
		}
	}
	return nil
}

// walk reads all files. Of the copies of a certificate that with the best name is reported, so that
// comes first.
func (r *reader) walk() error {
	r.seen = map[string]bool{}
	var names []string
	err := fs.WalkDir(r.tree, r.root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if r.files++; r.files > maxFiles {
			return ErrTooMany
		}
		if strings.HasPrefix(entry.Name(), "._") {
			return nil // macOS keeps attributes in such files
		}
		if entry.Type().IsRegular() || entry.Type()&fs.ModeSymlink != 0 && exists(r.tree, name) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.rank(a), r.rank(b)), strings.Compare(a, b))
	})
	for _, name := range names {
		if err := r.read(name); err != nil {
			return err
		}
		if err := r.ended(); err != nil {
			return err
		}
	}
	return nil
}

// rank is the place of a file among those that may have the same certificate or key.
func (r *reader) rank(name string) int {
	place := strings.TrimPrefix(name, r.root+"/")
	switch {
	case !r.loose && slices.Contains([]string{authorityFile, keyFile, oldKeyFile, listFile}, place):
		return 0
	case strings.HasSuffix(name, ".crt") || strings.HasSuffix(name, ".key"):
		return 1
	}
	return 2
}

func (r *reader) read(name string) error {
	place := strings.TrimPrefix(name, r.root+"/")
	text, err := r.text(name, place)
	if err != nil {
		reason := domain.ReasonFileUnread
		if errors.Is(err, errLargeFile) {
			reason = domain.ReasonFileSize
		}
		r.found.Faults = append(r.found.Faults, domain.ForeignFault{Path: name, Err: fileFault("", reason, err)})
		return nil
	}
	if isBundle(name) {
		r.takeBundle(name, text)
		return nil
	}
	if slices.ContainsFunc(channelKeys, func(line string) bool { return bytes.Contains(text, []byte(line)) }) {
		r.found.Static = append(r.found.Static, name)
	}
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil
		}
		text = rest
		r.take(name, place, block)
	}
}

// channelKeys begin the keys of OpenVPN's control channel: those of tls-auth and tls-crypt, and
// those of tls-crypt-v2.
var channelKeys = []string{
	"-----BEGIN OpenVPN Static key V1-----", "-----BEGIN OpenVPN tls-crypt-v2 client key-----",
	"-----BEGIN OpenVPN tls-crypt-v2 server key-----",
}

// isBundle reports whether the name of a file is that of a PKCS #12 file.
func isBundle(name string) bool {
	extension := strings.ToLower(path.Ext(name))
	return extension == ".p12" || extension == ".pfx"
}

// takeBundle keeps a PKCS #12 file, unless another file is the same.
func (r *reader) takeBundle(name string, text []byte) {
	if len(text) > 0 && !r.seen[string(text)] {
		r.seen[string(text)] = true
		r.found.Bundles = append(r.found.Bundles, domain.ForeignPart{Path: name, PEM: domain.Secret(text)})
	}
}

// text reads a file. A large one has no certificate, unless it is a list.
func (r *reader) text(name, place string) ([]byte, error) {
	if !r.loose && place == indexFile {
		return nil, nil
	}
	limit := int64(maxFile)
	if strings.Contains(path.Base(place), "crl") {
		limit = r.large
	}
	text, err := readFile(r.tree, name, limit)
	if errors.Is(err, errLargeFile) && !named(name) {
		return nil, nil
	}
	return text, err
}

// named reports whether the name of a file promises a certificate or a key.
func named(name string) bool {
	return slices.Contains([]string{".crt", ".pem", ".key", ".cer"}, path.Ext(name)) || isBundle(name)
}

func readFile(tree fs.FS, name string, limit int64) ([]byte, error) {
	file, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = errLargeFile
	}
	return text, err
}

// take keeps a block, unless another file has had it.
func (r *reader) take(name, place string, block *pem.Block) {
	text := pem.EncodeToMemory(block)
	if r.seen[string(text)] || text == nil {
		return
	}
	r.seen[string(text)] = true
	part := domain.ForeignPart{Path: name, PEM: domain.Secret(text)}
	switch {
	case strings.HasSuffix(block.Type, "CERTIFICATE"):
		if !r.loose && place == authorityFile {
			if r.found.CA == nil {
				r.found.CA = text
			}
			return
		}
		r.found.Certificates = append(r.found.Certificates, part)
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		if !r.loose && (place == keyFile || place == oldKeyFile) {
			r.found.CAKey = part.PEM
			return
		}
		r.found.Keys = append(r.found.Keys, part)
	case block.Type == "X509 CRL" && (r.loose || place == listFile):
		r.found.CRLs = append(r.found.CRLs, part)
	}
}
