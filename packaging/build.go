package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// commit is what a build is of.
type commit struct {
	hash string
	time time.Time // of the commit, or SOURCE_DATE_EPOCH
}

// readCommit asks git. SOURCE_DATE_EPOCH in the environment goes before the time of the commit
// (https://reproducible-builds.org/specs/source-date-epoch/).
func readCommit(ctx context.Context, dir string) (commit, error) {
	text, err := output(ctx, dir, nil, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return commit{}, err
	}
	hash, seconds, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	n, err := strconv.ParseInt(cmp.Or(os.Getenv("SOURCE_DATE_EPOCH"), seconds), 10, 64)
	if err != nil {
		return commit{}, fmt.Errorf("the time of the build: %w", err)
	}
	return commit{hash, time.Unix(n, 0).UTC()}, nil
}

// version is one for builds between releases. It is older than every release, and it is semantic.
func (c commit) version() string {
	return "v0.0.0-git" + c.time.Format("20060102150405") + "." + c.hash[:12]
}

// built is the program for an architecture, and what is made of it.
type built struct {
	arch    string
	program string // path
	manual  []byte
	unit    []byte            // of the agent, an example
	scripts map[string][]byte // of completion, by shell
	terms   []byte            // licences of all modules
	sbom    []byte
}

// compile builds the program and asks it for what it can tell of itself.
func (r *release) compile(ctx context.Context, arch string) (*built, error) {
	b := &built{arch: arch, program: filepath.Join(r.out, "chaveiro-"+r.version+"-linux-"+arch)}
	if err := r.compileTo(ctx, arch, b.program); err != nil {
		return nil, err
	}
	if err := r.describe(ctx, b); err != nil {
		return nil, err
	}
	modules, err := r.modules(ctx, b.program, arch)
	if err != nil {
		return nil, err
	}
	if err := refuse(modules); err != nil {
		return nil, err
	}
	b.terms = terms(modules)
	b.sbom, err = r.billOfMaterials(arch, modules)
	return b, err
}

// compileTo builds a static program. Nothing of the machine is in it: no path, no variable that
// changes the code.
func (r *release) compileTo(ctx context.Context, arch, path string) error {
	_, err := output(ctx, r.source, []string{
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=",
		"GOWORK=off",
	}, "go", "build", "-trimpath", "-buildvcs=auto", "-ldflags=-s -w", "-o", path, "./cmd/chaveiro")
	return err
}

// describe asks the program for its manual, the scripts of completion and a unit of the agent. A
// program for another architecture does not run here; one for this one then tells the same.
func (r *release) describe(ctx context.Context, b *built) error {
	program := b.program
	if b.arch != runtime.GOARCH || runtime.GOOS != "linux" {
		dir, err := os.MkdirTemp("", "chaveiro-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "chaveiro")
		if _, err := output(ctx, r.source, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=auto",
			"-ldflags=-s -w", "-o", program, "./cmd/chaveiro"); err != nil {
			return err
		}
	}
	return b.ask(ctx, program)
}

func (b *built) ask(ctx context.Context, program string) error {
	var err error
	if b.manual, err = output(ctx, "/", nil, program, "man"); err != nil {
		return err
	}
	b.scripts = map[string][]byte{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if b.scripts[shell], err = output(ctx, "/", nil, program, "completion", shell); err != nil {
			return err
		}
	}
	unit, err := output(ctx, "/", nil, program, "agent", "unit", "--server", "https://chaveiro.example.com",
		"--apikey-file", "/etc/chaveiro/agent.token", "--instance", "1=/etc/openvpn/server/vpn")
	b.unit = bytes.ReplaceAll(unit, []byte(program), []byte("/usr/bin/chaveiro"))
	return err
}

// output runs a command in a directory, with more variables, and returns what it prints, also when
// it fails.
func output(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	cmd.Env = append(withoutSettings(os.Environ()), env...)
	text, err := cmd.Output()
	if err != nil {
		return text, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return text, nil
}

// withoutSettings is an environment without what would configure the program.
func withoutSettings(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(s string) bool { return strings.HasPrefix(s, "CHAVEIRO_") })
}

// writeSums writes SHA256SUMS of all files in a directory, for sha256sum -c.
func writeSums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, entry := range entries {
		if entry.Name() == "SHA256SUMS" || !entry.Type().IsRegular() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), entry.Name())
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums.String()), 0o644)
}
