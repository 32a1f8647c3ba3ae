package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// weight is what a replica has: memory that is not of files, in bytes, and goroutines.
type weight struct{ memory, goroutines int64 }

// weigh measures the replica that is never killed.
func (c *campaign) weigh(ctx context.Context) (w weight, err error) {
	r := c.replicas[steady]
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.now().PID()))
	if err != nil {
		return w, err
	}
	if w.memory, err = valueOf(string(status), "RssAnon:"); err != nil {
		return w, err
	}
	w.memory <<= 10
	var metrics []byte
	k := &call{method: http.MethodGet, path: "/metrics", out: &metrics, any: true}
	if c.ask(ctx, r, k) != answered {
		return w, fmt.Errorf("/metrics of replica %d: %d %s", r.number, k.status, k.answer)
	}
	w.goroutines, err = valueOf(string(metrics), "go_goroutines")
	return w, err
}

// valueOf is the number after a name at the beginning of a line.
func valueOf(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name); found {
			return strconv.ParseInt(strings.Fields(value)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}

// checkWeight: the replica that has lived all the time has not grown without bound.
func (c *campaign) checkWeight(ctx context.Context) (err error) {
	if c.home != nil {
		return nil
	}
	if c.end, err = c.weigh(ctx); err != nil {
		return err
	}
	if c.end.memory-c.begin.memory > growth || c.end.goroutines-c.begin.goroutines > more {
		return fmt.Errorf("the replica that was not killed has %d MB and %d goroutines, after %d MB and %d",
			c.end.memory>>20, c.end.goroutines, c.begin.memory>>20, c.begin.goroutines)
	}
	return nil
}
