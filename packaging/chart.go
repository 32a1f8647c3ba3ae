package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// writeChart packs the chart of Helm with the version of the release.
func (r *release) writeChart() error {
	version := strings.TrimPrefix(r.version, "v")
	root := filepath.Join(r.source, "deploy", "helm", "chaveiro")
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(filepath.Dir(root), path)
		if err != nil {
			return err
		}
		if entry.Name() == "Chart.yaml" {
			text = chartVersions.ReplaceAll(text, []byte("${1}\""+version+"\""))
		}
		return r.add(archive, filepath.ToSlash(name), 0o644, text)
	})
	if err != nil {
		return err
	}
	if err := closeAll(archive, compressed); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "chaveiro-chart_"+version+".tgz"), packed.Bytes(), 0o644)
}

// chartVersions are the lines with the versions of the chart and of the program.
var chartVersions = regexp.MustCompile(`(?m)^((?:version|appVersion): ).*$`)

// add adds a file that belongs to root to an archive, with the time of the commit.
func (r *release) add(archive *tar.Writer, name string, mode int64, content []byte) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content)), ModTime: r.commit.time,
		Format: tar.FormatPAX,
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

func closeAll(list ...io.Closer) error {
	for _, one := range list {
		if err := one.Close(); err != nil {
			return err
		}
	}
	return nil
}
