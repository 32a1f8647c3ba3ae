// Command faults breaks things around three replicas, or one server on SQLite, while writers and
// readers use them, and looks afterwards whether anything that was answered is missing, half done
// or wrong.
//
// It runs the program itself on PostgreSQL with a synchronous standby, both in clusters of its own,
// and then on an SQLite file. It kills replicas, restarts and freezes the database, lets the
// standby take over, cuts connections, fills the disk, moves clocks and takes the store of a CA's
// key away, in an order that a seed gives. Writers keep a ledger: each request was answered, was
// refused, or is unknown. Readers look at lists, at OCSP and at the rights of apikeys that are
// gone. At the end all of the ledger is looked for in the database and at the webhook.
//
// What it needs of the system is a mount namespace for small disks, which takes root; without it,
// the kind full is left out, and the table says so. Everything runs on the loopback interface and
// on sockets in a temporary directory, is ended by its process id, and ends with this program
// however it ends.
//
// It imports pkg/app/apptest, which runs the program, pkg/store/pgtest, which runs PostgreSQL,
// pkg/kms/kmstest, which has a stub of Transit, and the drivers to read what is stored.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// settings are what the flags say.
type settings struct {
	seed             uint64
	engine           engine // empty: first PostgreSQL and then SQLite
	counts           map[kind]int
	writers, readers int
	bound            time.Duration // of all faults together
	heal             time.Duration // within which a replica is healthy again
	binary           string        // the program; empty: it is built
	keep             string        // directory that gets the logs of a run that fails; empty: none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := start(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

// start runs a campaign, in a mount namespace of its own if that is possible, and returns the exit
// code.
func start(ctx context.Context, args []string, out io.Writer) int {
	s, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		return 2
	}
	if code, done := inOwnNamespace(ctx, args); done {
		return code
	}
	err = runEach(ctx, s, out)
	if ctx.Err() != nil {
		fmt.Fprintf(out, "\nended before its end, seed %d\n", s.seed)
		return 1
	}
	if err != nil {
		fmt.Fprintf(out, "\nFAILED, seed %d: %v\n", s.seed, err)
		return 1
	}
	return 0
}

func parse(args []string) (settings, error) {
	s := settings{counts: map[kind]int{}}
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.Uint64Var(&s.seed, "seed", rand.Uint64N(1_000_000), "gives the order of the faults, and what writers do")
	given := map[kind]*int{}
	for _, k := range kinds {
		given[k.name] = flags.Int(string(k.name)+"s", k.usual, "how often: "+k.what)
	}
	flags.IntVar(&s.writers, "writers", 8, "callers that change things")
	flags.IntVar(&s.readers, "readers", 20, "callers that read")
	flags.DurationVar(&s.bound, "time", 20*time.Minute, "the faults of an engine end by then; those that are left are a failure")
	flags.DurationVar(&s.heal, "heal", 5*time.Second, "within which a replica must be healthy again after a fault")
	flags.StringVar(&s.binary, "binary", "", "the program, instead of building it; one whose clock can't be moved leaves that out")
	flags.StringVar((*string)(&s.engine), "engine", "", "postgres, or sqlite (default: first one, then the other)")
	flags.StringVar(&s.keep, "keep", "", "directory for the logs of a campaign that fails")
	only := flags.String("only", "", "kinds of faults, with commas between them (default: all)")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	for name, count := range given {
		s.counts[name] = *count
	}
	if s.engine != "" && !slices.Contains(engines, s.engine) {
		return s, fmt.Errorf("-engine %s: it is postgres or sqlite", s.engine)
	}
	if s.binary != "" && s.counts[clock] > 0 {
		moves, err := movesClock(s.binary)
		if err != nil {
			return s, err
		}
		if !moves {
			s.counts[clock] = 0
		}
	}
	if err := s.restrict(*only); err != nil {
		return s, err
	}
	if s.total() == 0 || s.engine != "" && s.on(s.engine).total() == 0 {
		return s, errors.New("there are no faults to make")
	}
	return s, nil
}

// runEach runs a campaign on each engine, with the same program.
func runEach(ctx context.Context, s settings, out io.Writer) error {
	if s.binary == "" {
		dir, err := os.MkdirTemp("", "chaveiro-faults-program-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if s.binary, err = build(ctx, dir, s.counts[clock] > 0); err != nil {
			return err
		}
	}
	list := engines
	if s.engine != "" {
		list = []engine{s.engine}
	}
	for _, one := range list {
		here := s.on(one)
		if here.total() == 0 {
			fmt.Fprintf(out, "\nOn %s there is none of these faults.\n", one)
			continue
		}
		if err := run(ctx, here, out); err != nil {
			return fmt.Errorf("on %s: %w", one, err)
		}
	}
	return nil
}

func build(ctx context.Context, dir string, movable bool) (string, error) {
	binary := filepath.Join(dir, "chaveiro")
	if movable {
		return binary, buildMovable(ctx, dir)
	}
	return binary, apptest.Build(ctx, dir)
}

// on are the settings of a campaign on an engine, with the faults that it can have.
func (s settings) on(one engine) settings {
	s.engine, s.counts = one, maps.Clone(s.counts)
	for _, k := range kinds {
		if one == sqlite && !k.single {
			s.counts[k.name] = 0
		}
	}
	return s
}

// total is how many faults there are.
func (s settings) total() (n int) {
	for _, count := range s.counts {
		n += count
	}
	return n
}

// restrict leaves only these kinds of faults.
func (s *settings) restrict(only string) error {
	if only != "" {
		names := strings.Split(only, ",")
		for _, name := range names {
			if _, known := s.counts[kind(name)]; !known {
				return fmt.Errorf("-only %s: there is no such kind of fault", name)
			}
		}
		for name := range s.counts {
			if !slices.Contains(names, string(name)) {
				s.counts[name] = 0
			}
		}
	}
	for name, count := range s.counts {
		if count < 0 {
			return fmt.Errorf("-%ss %d: not a number of times", name, count)
		}
	}
	if s.writers < 1 || s.readers < 0 {
		return errors.New("it needs a writer at least")
	}
	return nil
}
