package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// imageUser is who the program runs as in a container. It is a number, so that Kubernetes can see
// that it is not root.
const (
	imageUser = "65532:65532"
	imageUID  = 65532
)

// imageConfig is how the program runs in a container. The Dockerfile says the same.
func imageConfig() v1.Config {
	return v1.Config{
		User:         imageUser,
		Env:          []string{"PATH=/usr/bin", "CHAVEIRO_DATA_DIR=/data", "CHAVEIRO_LISTEN=0.0.0.0:8080"},
		Entrypoint:   []string{"/usr/bin/chaveiro"},
		Cmd:          []string{"serve"},
		Volumes:      map[string]struct{}{"/data": {}},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
	}
}

// writeImage writes the image of an architecture as a file that both `docker load` and tools that
// read archives of OCI layouts take.
func (r *release) writeImage(b *built) error {
	image, err := r.image(b)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "chaveiro-image-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	name := "chaveiro:" + strings.TrimPrefix(r.version, "v")
	if err := r.addImage(path, image, b.arch, name); err != nil {
		return err
	}
	if err := writeManifest(dir, name, image); err != nil {
		return err
	}
	return r.writeArchive(dir, filepath.Join(r.out, r.fileName(b.arch, "image.tar")))
}

// addImage adds an image to a layout, with its platform, and with the names that tools give it.
func (r *release) addImage(path layout.Path, image v1.Image, arch, name string) error {
	if err := path.WriteImage(image); err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	size, err := image.Size()
	if err != nil {
		return err
	}
	return path.AppendDescriptor(v1.Descriptor{
		MediaType: types.OCIManifestSchema1, Size: size, Digest: digest,
		Platform: &v1.Platform{OS: "linux", Architecture: arch},
		Annotations: map[string]string{
			"org.opencontainers.image.ref.name": strings.TrimPrefix(r.version, "v"),
			"io.containerd.image.name":          "docker.io/library/" + name,
		},
	})
}

// image is the root with the certificates of public CAs, and the program above it.
func (r *release) image(b *built) (v1.Image, error) {
	program, err := os.ReadFile(b.program)
	if err != nil {
		return nil, err
	}
	root, err := r.rootLayer()
	if err != nil {
		return nil, err
	}
	top, err := r.layer(func(archive *tar.Writer) error {
		if err := r.add(archive, "usr/bin/chaveiro", 0o755, program); err != nil {
			return err
		}
		return r.add(archive, "usr/share/doc/chaveiro/copyright", 0o644, b.terms)
	})
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image,
		mutate.Addendum{Layer: root, History: r.history("accounts, certificates of public CAs, /data")},
		mutate.Addendum{Layer: top, History: r.history("the program")},
	)
	if err != nil {
		return nil, err
	}
	return r.configure(image, b.arch)
}

func (r *release) history(what string) v1.History {
	return v1.History{Created: v1.Time{Time: r.commit.time}, CreatedBy: "make package", Comment: what}
}

func (r *release) configure(image v1.Image, arch string) (v1.Image, error) {
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = "linux", arch, v1.Time{Time: r.commit.time}
	file.Config = imageConfig()
	file.Config.Labels = map[string]string{
		"org.opencontainers.image.title":    "Chaveiro",
		"org.opencontainers.image.version":  strings.TrimPrefix(r.version, "v"),
		"org.opencontainers.image.revision": r.commit.hash,
		"org.opencontainers.image.created":  r.commit.time.Format(time.RFC3339),
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
	return mutate.ConfigFile(image, file)
}

// rootLayer is all that a root needs beside the program. The certificates are those of a module, so
// that they are pinned with it.
func (r *release) rootLayer() (v1.Layer, error) {
	var roots bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue // good for a part of the world only, which a file can't say
		}
		if err := pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	return r.layer(func(archive *tar.Writer) error {
		for _, dir := range []tar.Header{
			{Name: "data/", Mode: 0o700, Uid: imageUID, Gid: imageUID}, {Name: "dev/", Mode: 0o755},
			{Name: "etc/", Mode: 0o755},
			{Name: "etc/chaveiro/", Mode: 0o755}, {Name: "etc/ssl/", Mode: 0o755}, {Name: "etc/ssl/certs/", Mode: 0o755},
			{Name: "proc/", Mode: 0o755}, {Name: "sys/", Mode: 0o755}, {Name: "tmp/", Mode: 0o1777},
			{Name: "usr/", Mode: 0o755}, {Name: "usr/bin/", Mode: 0o755},
		} {
			dir.Typeflag, dir.ModTime, dir.Format = tar.TypeDir, r.commit.time, tar.FormatPAX
			if err := archive.WriteHeader(&dir); err != nil {
				return err
			}
		}
		for _, file := range [][2]string{
			{"etc/passwd", fmt.Sprintf("chaveiro:x:%d:%d:Chaveiro:/data:/sbin/nologin\n", imageUID, imageUID)},
			{"etc/group", fmt.Sprintf("chaveiro:x:%d:\n", imageUID)},
			{"etc/ssl/certs/ca-certificates.crt", roots.String()},
		} {
			if err := r.add(archive, file[0], 0o644, []byte(file[1])); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *release) layer(fill func(*tar.Writer) error) (v1.Layer, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	if err := fill(archive); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// writeManifest adds what `docker load` of all versions reads to a layout.
func writeManifest(dir, name string, image v1.Image) error {
	config, err := image.ConfigName()
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	entry := tarball.Descriptor{Config: blob(config), RepoTags: []string{name}}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		entry.Layers = append(entry.Layers, blob(digest))
	}
	text, err := json.Marshal([]tarball.Descriptor{entry})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "manifest.json"), text, 0o644)
}

func blob(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// writeArchive packs a directory, in the order of names.
func (r *release) writeArchive(dir, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(file)
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return r.add(archive, filepath.ToSlash(name), 0o644, content)
	})
	if err != nil {
		return err
	}
	return closeAll(archive, file)
}
