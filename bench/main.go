// Command bench measures the service against floors: programs that do, over the same HTTP and the
// same database, only what can't be left out. It prints one table of ratios. It is no timed test:
// it fails only on an error.
//
// Product and floor are child processes of this program, one each, so that neither shares its
// garbage collector with the load generator, and so that memory and profile are those of the server
// alone. The product is what `chaveiro serve` runs, app.Run, with its log (info, JSON) on a
// standard error that is a file. Both are measured in turns, slice by slice, and the ratio is the
// median over the turns: disturbances by other programs hit both alike.
//
// Two groups are about authentication alone: credential measures it in this process, and auth
// compares the product with itself without it.
//
// It imports what it measures: the service through pkg/app, the Go SDK of gen/sdk/go, and
// pkg/access, pkg/service and pkg/wire where a part is measured by itself; Echo, pgx and
// database/sql for the floors.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// settings are what the flags say.
type settings struct {
	duration time.Duration // of one side of one cell of the table
	rows     int
	clients  []int // numbers of concurrent clients
	profile  string
	only     []string
	data     string // directory of the large databases that are kept; empty: none is
	seed     bool   // make those, and measure nothing
}

// group is a set of rows that share a database.
type group struct {
	name string
	run  func(ctx context.Context, b *bench, e engine) error
}

var groups = []group{
	{"credential", credentialRows}, {"auth", authRows}, {"issue", issueRows}, {"batch", batchRows}, {"get", getRows}, {"list", listRows},
	{"revoke", revokeRows}, {"ocsp", ocspRows}, {"search", searchRows}, {"metrics", metricsRows},
	{"deep", deepRows}, {"rsa", rsaRows}, {"upsert", upsertRows}, {"import", importRows}, {"pki", pkiRows},
	{"devices", deviceRows}, {"plan", planRows}, {"tunnel", tunnelRows}, {"events", eventRows}, {"webhooks", webhookRows},
	{"agents", agentRows}, {"reports", reportRows}, {"sdk", sdkRows}, {"traces", traceRows},
	{"replicas", replicaRows}, {"start", startRows}, {"large", largeRows},
}

// bench is one run.
type bench struct {
	settings
	dir   string
	table table
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == childCommand {
		return runChild(ctx, args[1])
	}
	s, engines, err := parseFlags(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "chaveiro-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if s.data, err = absolute(s.data); err != nil {
		return err
	}
	return (&bench{settings: s, dir: dir}).run(ctx, engines)
}

func parseFlags(args []string) (settings, []string, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String(
		"only", "",
		"groups to run: credential,auth,issue,batch,get,list,revoke,ocsp,search,deep,rsa,upsert,import,pki,devices,plan,tunnel,events,webhooks,agents,reports,sdk,traces,replicas,start,large (default: all)",
	)
	engines := flags.String("engines", "sqlite,postgres", "databases")
	clients := flags.String("clients", "1,8", "numbers of concurrent clients")
	flags.DurationVar(&s.duration, "duration", 3*time.Second, "how long each side of a cell of the table is measured")
	flags.IntVar(&s.rows, "rows", 1_000_000, "clients in the large database")
	flags.StringVar(&s.data, "data", "", "directory that keeps the databases of large: what is there isn't seeded again")
	flags.BoolVar(&s.seed, "seed", false, "make the databases of -data, and measure nothing")
	flags.StringVar(&s.profile, "cpuprofile", "", "prefix of the files for CPU profiles of the product's servers")
	if err := flags.Parse(args); err != nil {
		return s, nil, err
	}
	for _, word := range strings.Split(*clients, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return s, nil, fmt.Errorf("-clients %q: not a number above zero", word)
		}
		s.clients = append(s.clients, n)
	}
	if s.seed && s.data == "" {
		return s, nil, errors.New("-seed needs -data")
	}
	if *only != "" {
		s.only = strings.Split(*only, ",")
	}
	for _, name := range s.only {
		if !slices.ContainsFunc(groups, func(g group) bool { return g.name == name }) {
			return s, nil, fmt.Errorf("-only %q: no such group", name)
		}
	}
	return s, strings.Split(*engines, ","), nil
}

// run measures, and prints the table even when a group has failed.
func (b *bench) run(ctx context.Context, names []string) error {
	printMachine(os.Stdout)
	err := b.measure(ctx, names)
	b.table.print(os.Stdout)
	return err
}

func (b *bench) measure(ctx context.Context, names []string) error {
	if !b.seed {
		if err := b.binarySize(ctx); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := b.measureEngine(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (b *bench) measureEngine(ctx context.Context, name string) error {
	e, err := openEngine(ctx, name, b.dir, b.data)
	if err != nil {
		return err
	}
	defer e.close()
	if b.seed {
		_, err := b.keptFleet(ctx, e, b.rows)
		return err
	}
	for _, g := range groups {
		if len(b.only) > 0 && !slices.Contains(b.only, g.name) {
			continue
		}
		began, before := time.Now(), usageNow()
		if err := g.run(ctx, b, e); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		fmt.Fprintf(
			os.Stderr, "%s %s: %.0f s, %.0f %% of the machine used by others\n", name, g.name,
			time.Since(began).Seconds(), 100*before.othersSince(),
		)
	}
	return nil
}
