package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/python/pythontest"
)

// pythonFigures are what sdk.py prints: of the SDK, and of httpx2.
type pythonFigures struct {
	Calls, Pages [2]float64 // a second
	Memory       [2]uint64  // bytes: after a tenth of an iteration, and at its end
}

// pythonRows compares the Python SDK with httpx2 and json.
func pythonRows(ctx context.Context, b *bench, e engine, p *product) error {
	figures, err := measurePython(ctx, p)
	if err != nil {
		return err
	}
	rate := func(what string, bound float64, rates [2]float64) {
		b.table.add(row{
			engine: e.name, what: what, product: fmt.Sprintf("%.0f/s", rates[0]), floor: fmt.Sprintf("%.0f/s", rates[1]),
			ratio: rates[0] / rates[1], target: atLeast(bound), note: "floor: httpx2 and json",
		})
	}
	rate("Python SDK, one call", 1/1.15, figures.Calls)
	rate("Python SDK, one page of 100", 0.8, figures.Pages)
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("Python SDK, memory over %d clients", listedRows),
		product: megabytes(figures.Memory[1]), floor: megabytes(figures.Memory[0]),
		ratio: float64(figures.Memory[1]) / float64(figures.Memory[0]), target: atMost(1.2),
		note: "floor: after a tenth of them",
	})
	return nil
}

func measurePython(ctx context.Context, p *product) (*pythonFigures, error) {
	interpreter, err := pythontest.Find()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, interpreter, filepath.Join("bench", "sdk.py"), strconv.Itoa(listedRows))
	cmd.Env = append(
		os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+filepath.Join("gen", "sdk", "python"),
		"CHAVEIRO_URL="+p.base, "CHAVEIRO_ACCESS_TOKEN="+strings.TrimPrefix(p.authorization, "Bearer "),
	)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sdk.py: %w", err)
	}
	figures := &pythonFigures{}
	return figures, json.Unmarshal(output, figures)
}
