package tunnel

import (
	"cmp"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// BundleFormat is the form of a server's bundle.
type BundleFormat string

// The forms.
const (
	BundleTar  BundleFormat = "tar.gz"
	BundleZip  BundleFormat = "zip"
	BundleJSON BundleFormat = "json"
	// BundleDirectory is for those who write the files themselves.
	BundleDirectory BundleFormat = "directory"
)

// BundleRequest is which bundle is asked for.
type BundleRequest struct {
	Format BundleFormat
	// WithoutKeys leaves out what is secret: the private key and the key of the control channel.
	WithoutKeys bool
}

// Bundle is everything that the machine of an instance needs.
type Bundle struct {
	Instance domain.Instance
	Files    []File // by name
	Tag      string // changes with the files
	Stale    bool   // the revocation list is the last that could be had
	state    state
	request  BundleRequest
	serial   string
}

// The names of the files of a bundle, which its server.conf has.
const (
	fileServer  = "server.conf"
	fileCA      = "ca.crt"
	fileCert    = "server.crt"
	fileKey     = "server.key"
	fileControl = "control.key"
	fileEarlier = "control-earlier.key"
	fileCRL     = "crl.pem"
	fileLeft    = "not-included.txt"
	dirSites    = "ccd/"
)

// Bundle gathers the bundle of an instance. Nothing has left the service yet: see [Instances.Send].
func (s *Instances) Bundle(ctx context.Context, id int64, request BundleRequest) (*Bundle, error) {
	i, err := stateOf(ctx, s.Store, s.Keys, id)
	if err != nil {
		return nil, err
	}
	b := &Bundle{state: i.served(), request: request}
	b.Instance = b.state.Instance
	for _, add := range []func(context.Context, *Bundle) error{
		s.addCertificate, s.addControl, s.addList, s.addSites, s.addOCSP, s.addHelp,
	} {
		if err := add(ctx, b); err != nil {
			return nil, err
		}
	}
	sortFiles(b.Files)
	b.Tag = digest(b.Files) + "-" + string(request.Format)
	return b, nil
}

func (b *Bundle) add(name string, content []byte) {
	b.Files = append(b.Files, File{Name: name, Content: content})
}

func (b *Bundle) addSecret(name string, content []byte) {
	if !b.request.WithoutKeys {
		b.Files = append(b.Files, File{Name: name, Content: content, Secret: true})
	}
}

// addCertificate adds the certificate with those between it and the root, its key and the CAs.
func (s *Instances) addCertificate(ctx context.Context, b *Bundle) error {
	cert, err := s.Store.Certificates().Get(ctx, b.Instance.CertificateID)
	if err != nil {
		return err
	}
	b.serial = cert.Serial
	pem, err := s.Certificates.PEM(ctx, cert.ID)
	if err != nil {
		return err
	}
	issuers, err := s.Certificates.Issuers(ctx, cert.CAID)
	if err != nil {
		return err
	}
	b.add(fileCert, pem)
	b.add(fileCA, issuers)
	if b.request.WithoutKeys {
		return nil
	}
	key, err := s.Certificates.ServerKey(cert)
	b.addSecret(fileKey, key)
	return err
}

// addControl adds the key of the control channel and, beside it, the earlier one where the server
// takes both.
func (s *Instances) addControl(_ context.Context, b *Bundle) error {
	if b.Instance.Control != domain.NoControl {
		b.addSecret(fileControl, b.state.key)
	}
	if b.state.takesBoth() {
		b.addSecret(fileEarlier, b.state.earlier)
	}
	return nil
}

// addList adds the revocation lists of all CAs of the chain in one file. Its time is that of the
// newest list: OpenVPN reads a list again only if the time or the size of its file has changed.
func (s *Instances) addList(ctx context.Context, b *Bundle) error {
	lists, err := s.CRLs.Chain(ctx, b.Instance.CAID)
	if err != nil {
		return err
	}
	file := File{Name: fileCRL}
	for _, list := range lists {
		file.Content = append(file.Content, list.PEM...)
		b.Stale = b.Stale || list.Stale
		if list.ThisUpdate.After(file.Modified) {
			file.Modified = list.ThisUpdate
		}
	}
	b.Files = append(b.Files, file)
	return nil
}

// Send records that a bundle leaves the service, and returns what writes it. A bundle in JSON, or
// in a directory, is for the caller to write.
func (s *Instances) Send(ctx context.Context, b *Bundle) (func(io.Writer) error, error) {
	out := audit.Change{
		Action: domain.ActionExport, Resource: domain.ScopeInstances, ID: b.Instance.ID, Name: b.Instance.Name,
		After: audit.Facts{
			"form": "bundle", "format": string(b.request.Format), "serial": b.serial, "keys": !b.request.WithoutKeys,
		},
		Details: []slog.Attr{slog.String("form", "bundle"), slog.Bool("keys", !b.request.WithoutKeys)},
	}
	if err := s.Recorder.Record(ctx, s.Store, out); err != nil {
		return nil, err
	}
	s.Recorder.Tell(ctx, out)
	return func(w io.Writer) error { return b.write(w) }, nil
}

// Regular are the files without the directories.
func (b *Bundle) Regular() []File {
	return slices.DeleteFunc(slices.Clone(b.Files), File.directory)
}

func (b *Bundle) write(w io.Writer) error {
	if b.request.Format == BundleZip {
		return writeZip(w, b.Files)
	}
	return writeTar(w, b.Files)
}

// modeOf is the mode of a file in a ZIP file.
func modeOf(f File) fs.FileMode {
	mode := fs.FileMode(f.mode())
	if f.directory() {
		mode |= fs.ModeDir
	}
	return mode
}

// Unit is the name of an instance for systemd and for directories: its letters in lower case,
// digits, and hyphens for all others.
func Unit(name string) string {
	unit := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '.', r == '_':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-.")
	return cmp.Or(unit, "server")
}
