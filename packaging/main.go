// Command packaging builds what is installed: the static program for each architecture, packages of
// Debian and of RPM, images of containers, the chart, and their checksums.
//
// It is a module of its own, so that what it imports is not in the service. It reads the repository
// and runs the go command, and needs no network when the modules are there. Two builds of one
// commit give the same bytes, wherever they run: every time in a file is that of the commit, or of
// SOURCE_DATE_EPOCH.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	var r release
	arches := flag.String("arch", "amd64,arm64", "architectures, with commas between them")
	flag.StringVar(&r.version, "version", "", "version, as v1.2.3 (default: one made of the commit)")
	flag.StringVar(&r.source, "source", "..", "the repository")
	flag.StringVar(&r.out, "out", "../dist", "directory that the files are written to")
	flag.Parse()
	r.arches = strings.Split(*arches, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
		os.Exit(1)
	}
}

// release is what is built, and of what.
type release struct {
	version     string // v1.2.3
	source, out string // directories
	arches      []string
	commit      commit
}

// run builds everything into the directory out.
func (r *release) run(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	for _, arch := range r.arches {
		if err := r.buildFor(ctx, arch); err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
	}
	if err := r.writeChart(); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	return writeSums(r.out)
}

func (r *release) prepare(ctx context.Context) error {
	for _, dir := range []*string{&r.source, &r.out} {
		whole, err := filepath.Abs(*dir)
		if err != nil {
			return err
		}
		*dir = whole
	}
	var err error
	if r.commit, err = readCommit(ctx, r.source); err != nil {
		return err
	}
	if r.version == "" {
		r.version = r.commit.version()
	}
	return os.MkdirAll(r.out, 0o755)
}

// buildFor builds the program for an architecture, and what has it inside.
func (r *release) buildFor(ctx context.Context, arch string) error {
	b, err := r.compile(ctx, arch)
	if err != nil {
		return err
	}
	if err := r.writePackages(b); err != nil {
		return err
	}
	if err := r.writeImage(b); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	return os.WriteFile(filepath.Join(r.out, r.fileName(arch, "cdx.json")), b.sbom, 0o644)
}

// fileName is the name of a file of the release, as chaveiro_1.2.3_amd64.cdx.json.
func (r *release) fileName(arch, ending string) string {
	return fmt.Sprintf("chaveiro_%s_%s.%s", strings.TrimPrefix(r.version, "v"), arch, ending)
}
