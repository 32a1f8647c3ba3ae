package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/python/pythontest"
)

// sdkFigures are what sdk.py and sdk.mjs print: of the SDK, and of the floor.
type sdkFigures struct {
	Calls, Pages [2]float64 // a second
	Memory       [2]uint64  // bytes: after a tenth of an iteration, and at its end
}

// programRows compares the SDKs of other languages with the HTTP client of their language.
func programRows(ctx context.Context, b *bench, e engine, p *product) error {
	python, err := measurePython(ctx, p)
	if err != nil {
		return err
	}
	b.programRow(e, "Python", "httpx2 and json", python)
	node, err := measureNode(ctx, p)
	if err != nil {
		return err
	}
	b.programRow(e, "TypeScript", "fetch", node)
	return nil
}

func (b *bench) programRow(e engine, language, floor string, figures *sdkFigures) {
	rate := func(what string, bound float64, rates [2]float64) {
		b.table.add(row{
			engine: e.name, what: language + " SDK, " + what, product: fmt.Sprintf("%.0f/s", rates[0]),
			floor: fmt.Sprintf("%.0f/s", rates[1]), ratio: rates[0] / rates[1], target: atLeast(bound),
			note: "floor: " + floor,
		})
	}
	rate("one call", 1/1.15, figures.Calls)
	rate("one page of 100", 0.8, figures.Pages)
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("%s SDK, memory over %d clients", language, listedRows),
		product: megabytes(figures.Memory[1]), floor: megabytes(figures.Memory[0]),
		ratio: float64(figures.Memory[1]) / float64(figures.Memory[0]), target: atMost(1.2),
		note: "floor: after a tenth of them",
	})
}

func measurePython(ctx context.Context, p *product) (*sdkFigures, error) {
	interpreter, err := pythontest.Find()
	if err != nil {
		return nil, err
	}
	return measureProgram(
		ctx, p, []string{interpreter, filepath.Join("bench", "sdk.py")}, "PYTHONDONTWRITEBYTECODE=1",
		"PYTHONPATH="+filepath.Join("gen", "sdk", "python"),
	)
}

// measureNode compiles the SDK into a folder of its own.
func measureNode(ctx context.Context, p *product) (figures *sdkFigures, err error) {
	compiled, err := os.MkdirTemp("", "chaveiro-sdk-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(compiled)) }()
	compiler := filepath.Join("cmd", "sdkgen", "typescript", "node_modules", "typescript", "bin", "tsc")
	compile := exec.CommandContext(ctx, "node", compiler, "-p", "gen/sdk/typescript", "--outDir", compiled,
		"--typeRoots", "cmd/sdkgen/typescript/node_modules/@types", "--types", "node")
	if output, err := compile.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("tsc: %w\n%s", err, output)
	}
	if err := os.WriteFile(filepath.Join(compiled, "package.json"), []byte(`{"type": "module"}`), 0o600); err != nil {
		return nil, err
	}
	return measureProgram(ctx, p, []string{"node", "--expose-gc", "bench/sdk.mjs"}, "SDK="+compiled)
}

func measureProgram(ctx context.Context, p *product, program []string, env ...string) (*sdkFigures, error) {
	cmd := exec.CommandContext(ctx, program[0], append(program[1:], strconv.Itoa(listedRows))...)
	cmd.Env = append(append(os.Environ(), env...),
		"CHAVEIRO_URL="+p.base, "CHAVEIRO_ACCESS_TOKEN="+strings.TrimPrefix(p.authorization, "Bearer "),
	)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(program, " "), err)
	}
	figures := &sdkFigures{}
	return figures, json.Unmarshal(output, figures)
}
