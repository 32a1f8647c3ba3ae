package main

import (
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
	for _, args := range [][]string{{"-only", "floods"}, {"-kills", "-1"}, {"-writers", "0"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	if s, err := parse([]string{"-binary", "x"}); err != nil || s.counts[clock] != 0 {
		t.Errorf("a program that is given has a clock that moves: %v", err)
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
