package main

import (
	"math/rand/v2"
	"time"
)

// kind is a kind of fault. Its name with an s is the flag that says how often it happens.
type kind string

const (
	kill      kind = "kill"
	restart   kind = "restart"
	promotion kind = "promotion"
	stop      kind = "stop"
	cut       kind = "cut"
	clock     kind = "clock"
	full      kind = "full"
	store     kind = "store"
)

// kinds are all kinds of faults, and how often each happens unless a flag says otherwise. Those
// that are not single need a PostgreSQL beside the replicas.
var kinds = []struct {
	name   kind
	single bool
	usual  int
	what   string
}{
	{kill, true, 200, "kill -9 of a replica, or of two at once"},
	{restart, false, 50, "immediate restart of the database"},
	{promotion, false, 20, "the primary is killed, and the standby takes over"},
	{stop, true, 30, "SIGSTOP of a replica, of the primary or of the standby"},
	{cut, true, 40, "connections to the database are cut, or carry nothing; on SQLite those of callers"},
	{clock, true, 20, "the clock of a replica jumps"},
	{full, true, 10, "the disk of the database is full"},
	{store, true, 20, "the store of a CA's key is away, does not answer, or answers errors"},
}

// fault is one fault of the plan.
type fault struct {
	kind   kind
	target int           // which replica, or which of several things, as its kind says
	second bool          // of two replicas at once, or of the rarer form
	pause  time.Duration // before it
	length time.Duration // of those that last
	jump   time.Duration // of a clock
}

// plan orders the faults. The same seed and counts give the same plan.
func plan(s settings) []fault {
	dice := rand.New(rand.NewPCG(s.seed, 0))
	var faults []fault
	for _, k := range kinds {
		for range s.counts[k.name] {
			faults = append(faults, draw(k.name, dice))
		}
	}
	dice.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	return faults
}

func draw(k kind, dice *rand.Rand) fault {
	f := fault{kind: k, target: dice.IntN(3), second: dice.IntN(4) == 0}
	f.pause = between(dice, 100*time.Millisecond, 600*time.Millisecond)
	f.length = between(dice, 300*time.Millisecond, 3*time.Second)
	f.jump = between(dice, time.Second, 12*time.Second)
	if f.second {
		f.jump = between(dice, time.Minute, time.Hour)
	}
	if dice.IntN(2) == 0 {
		f.jump = -f.jump
	}
	return f
}

func between(dice *rand.Rand, shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(dice.Int64N(int64(longest-shortest)))
}
