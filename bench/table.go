package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// row is a line of the table; an empty field is shown as a dash.
type row struct {
	engine, what   string
	product, floor string
	ratio          float64 // 0: none
	target         target
	cost           string        // processor time of the servers for one request
	p50, p99       time.Duration // of the product
	note           string
}

// target is the bound for a ratio; the zero value is no target.
type target struct {
	bound  float64
	atMost bool
}

func atLeast(bound float64) target { return target{bound: bound} }
func atMost(bound float64) target  { return target{bound: bound, atMost: true} }

func (t target) String() string {
	switch {
	case t.bound == 0:
		return ""
	case t.atMost:
		return fmt.Sprintf("<= %.2f", t.bound)
	}
	return fmt.Sprintf(">= %.2f", t.bound)
}

func (t target) verdict(ratio float64) string {
	switch {
	case t.bound == 0 || ratio == 0:
		return ""
	case t.atMost == (ratio <= t.bound) || ratio == t.bound:
		return "ok"
	}
	return "MISSED"
}

type table struct{ rows []row }

func (t *table) add(r row) { t.rows = append(t.rows, r) }

func (t *table) print(w io.Writer) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "database\tmeasure\tproduct\tfloor\tratio\ttarget\tverdict\tcpu a request\tp50\tp99\tnote")
	for _, r := range t.rows {
		ratio := ""
		if r.ratio > 0 {
			ratio = fmt.Sprintf("%.2f", r.ratio)
		}
		cells := []string{
			r.engine, r.what, r.product, r.floor, ratio, r.target.String(), r.target.verdict(r.ratio), r.cost,
			milliseconds(r.p50), milliseconds(r.p99), r.note,
		}
		for i, cell := range cells {
			if cell == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(out, strings.Join(cells, "\t"))
	}
	out.Flush()
}

func milliseconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}

func perSecond(rate float64) string { return fmt.Sprintf("%.0f/s", rate) }
