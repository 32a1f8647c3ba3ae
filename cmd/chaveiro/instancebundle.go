package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type instanceBundle struct {
	app.StorageConfig
	Out         string              `short:"o" xor:"target" required:"" placeholder:"FILE" help:"Archive to write, readable by nobody else; - is the standard output."`
	Dir         string              `xor:"target" required:"" placeholder:"DIR" help:"Directory to write the files to, as /etc/openvpn/server/vpn; it is made when it is not there."`
	Format      tunnel.BundleFormat `enum:"tar.gz,zip" default:"tar.gz" help:"Form of the archive: tar.gz or zip."`
	WithoutKeys bool                `help:"Leave out what is secret: the private key of the server and the key of the control channel."`
	Force       bool                `help:"Replace files that exist. In a directory, files of ccd that the bundle does not have are removed, because such a file lets a site in; and so is the key of a campaign that has ended."`
	CRLLife     time.Duration       `name:"crl-life" env:"CHAVEIRO_CRL_LIFE" least:"1h" default:"720h" help:"Life of a revocation list that has to be signed; give the one of the server."`
	Instance    string              `arg:"" help:"Name or id of the instance."`
}

// Run writes the bundle.
func (c *instanceBundle) Run(ctx context.Context) error {
	config := app.Config{StorageConfig: c.StorageConfig, CRLLife: c.CRLLife}
	return commandWith(ctx, config, "instance bundle", slog.LevelWarn,
		func(ctx context.Context, s *service.Services) error {
			i, err := instanceKind(s).find(ctx, c.Instance)
			if err != nil {
				return err
			}
			if c.Dir != "" {
				return c.unpack(ctx, s, i)
			}
			return fetch(c.Out, c.Force, secretMode, func() ([]byte, error) { return c.archive(ctx, s, i) })
		})
}

func (c *instanceBundle) archive(ctx context.Context, s *service.Services, i domain.Instance) ([]byte, error) {
	bundle, err := s.Instances.Bundle(ctx, i.ID, tunnel.BundleRequest{Format: c.Format, WithoutKeys: c.WithoutKeys})
	if err != nil {
		return nil, err
	}
	write, err := s.Instances.Send(ctx, bundle)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	err = write(&content)
	return content.Bytes(), err
}

// unpack writes the files of a bundle. It looks at the directory first, so that nothing leaves the
// service in vain.
func (c *instanceBundle) unpack(ctx context.Context, s *service.Services, i domain.Instance) error {
	request := tunnel.BundleRequest{Format: tunnel.BundleDirectory, WithoutKeys: c.WithoutKeys}
	bundle, err := s.Instances.Bundle(ctx, i.ID, request)
	if err != nil {
		return err
	}
	tree := bundleTree{dir: filepath.Clean(c.Dir), files: bundle.Regular(), force: c.Force}
	there, err := tree.check()
	if err != nil {
		return err
	}
	if _, err := s.Instances.Send(ctx, bundle); err != nil {
		return err
	}
	if there {
		return tree.refresh()
	}
	return tree.make()
}

// bundleTree is a directory with the files of a bundle.
type bundleTree struct {
	dir   string
	files []tunnel.File
	force bool
}

// sitesDir is the directory of a bundle with a file for each site.
const sitesDir = "ccd"

// check refuses a directory whose files would be replaced. It reports whether the directory is
// there.
func (t bundleTree) check() (there bool, err error) {
	info, err := os.Stat(t.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.IsDir():
		return false, refused("%s is no directory", t.dir)
	}
	for _, file := range t.files {
		if err := checkTarget(filepath.Join(t.dir, file.Name), t.force); err != nil {
			return true, err
		}
	}
	return true, nil
}

// make writes a directory beside the one that is wanted and renames it, so that it is whole or not
// there.
func (t bundleTree) make() error {
	parent := filepath.Dir(t.dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	draft, err := os.MkdirTemp(parent, ".chaveiro-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(draft) // there is none when it was renamed
	whole := bundleTree{dir: draft, files: t.files}
	if err := errors.Join(whole.write(), os.Chmod(draft, 0o755)); err != nil {
		return err
	}
	return os.Rename(draft, t.dir)
}

// earlierKey is in a bundle while a campaign runs.
const earlierKey = "control-earlier.key"

// refresh replaces the files of a directory one by one, each at once, and removes the files of
// sites that are none any more, and the earlier key when no configuration names it.
func (t bundleTree) refresh() error {
	if err := t.write(); err != nil || !t.force {
		return err
	}
	sites := map[string]bool{}
	for _, file := range t.files {
		if dir, name := filepath.Split(file.Name); dir == sitesDir+"/" {
			sites[name] = true
		}
	}
	found, err := os.ReadDir(filepath.Join(t.dir, sitesDir))
	for _, entry := range found {
		if entry.Type().IsRegular() && !sites[entry.Name()] && !strings.HasPrefix(entry.Name(), ".") {
			err = errors.Join(err, os.Remove(filepath.Join(t.dir, sitesDir, entry.Name())))
		}
	}
	if !t.mentions(earlierKey) {
		if gone := os.Remove(filepath.Join(t.dir, earlierKey)); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// mentions reports whether the configuration of the server has a text.
func (t bundleTree) mentions(text string) bool {
	return slices.ContainsFunc(t.files, func(f tunnel.File) bool {
		return f.Name == "server.conf" && bytes.Contains(f.Content, []byte(text))
	})
}

func (t bundleTree) write() error {
	if err := os.MkdirAll(filepath.Join(t.dir, sitesDir), 0o755); err != nil {
		return err
	}
	for _, file := range t.files {
		path, mode := filepath.Join(t.dir, file.Name), publicMode
		if file.Secret {
			mode = secretMode
		}
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = writeFile(path, file.Content, t.force, mode)
		}
		if err == nil {
			err = os.Chtimes(path, file.ModifiedAt(), file.ModifiedAt())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
