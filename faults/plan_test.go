package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// TestPlan: a seed gives a plan, and each kind is in it as often as was asked for.
func TestPlan(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"-seed", "7", "-kills", "5", "-clocks", "4", "-only", "kill,clock,cut"})
	if err != nil {
		t.Fatal(err)
	}
	first, other := plan(s), s
	other.seed = 8
	if !reflect.DeepEqual(first, plan(s)) || reflect.DeepEqual(first, plan(other)) {
		t.Error("the seed does not give the plan")
	}
	counts := map[kind]int{}
	for _, f := range first {
		counts[f.kind]++
		if f.kind == clock && f.jump.Abs() > 12*time.Second != f.second {
			t.Errorf("a jump of %s, far: %t", f.jump, f.second)
		}
	}
	if want := map[kind]int{kill: 5, clock: 4, cut: 40}; !reflect.DeepEqual(counts, want) {
		t.Errorf("%v, want %v", counts, want)
	}
	for _, args := range [][]string{{"-only", "floods"}, {"-kills", "-1"}, {"-writers", "0"}, {"-engine", "x"}, {"-binary", "/x"},
		{"-engine", "sqlite", "-only", "restart"}, {"-only", "kill", "-kills", "0"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	for text, moves := range map[string]bool{"": false, "x " + clockVariable: true} {
		binary := filepath.Join(t.TempDir(), "binary")
		if err := os.WriteFile(binary, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := parse([]string{"-binary", binary}); err != nil || s.counts[clock] > 0 != moves {
			t.Errorf("the clock of %q moves: %t, %v", text, !moves, err)
		}
	}
	if here := s.on(sqlite); here.counts[kill] != 5 || s.counts[cut] != here.counts[cut] || here.total() != 49 {
		t.Errorf("on SQLite there are %v", here.counts)
	}
	if s, err := parse([]string{"-only", "promotion,restart"}); err != nil || s.on(sqlite).total() != 0 || s.total() != 70 {
		t.Errorf("without a PostgreSQL something restarts it: %v, %v", s.counts, err)
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	var list []time.Duration
	for i := range 100 {
		list = append(list, time.Duration(100-i))
	}
	for share, want := range map[float64]time.Duration{.5: 50, .99: 99, 1: 100} {
		if got := of(list, share); got != want {
			t.Errorf("%v: %d, want %d", share, got, want)
		}
	}
	if of(nil, 1) != 0 || of(list[:1], .5) != 100 {
		t.Error("of one or none")
	}
}
