package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/agent"
	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

const (
	// benchAgents is how many agents ask one server, each for an instance of its own.
	benchAgents = 1000
	// agentsEach is how many of them have the same apikey.
	agentsEach = 50
	// agentIdleTime is for how long they wait while the processor time of the server is measured.
	// It has several of their questions.
	agentIdleTime = time.Minute
	// agentRounds is how many revocations are told to all of them.
	agentRounds = 10
)

// agentRows measures real agents without an OpenVPN: what they cost while nothing happens, and how
// long after a revocation all of them are told, and have the list.
func agentRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "agents", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	body := (&newClients{}).batch(agentRounds)
	batch := call{method: "POST", path: clientsPath + "/batch", authorization: p.authorization, body: body}
	if _, err := p.do(ctx, batch); err != nil {
		return err
	}
	f, err := b.fleetOfAgents(ctx, e, p)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- f.program.Run(running) }()
	defer func() { stop(); err = errors.Join(err, <-ended, f.remove()) }()
	if err := f.settled(ctx, p); err != nil {
		return err
	}
	b.idleAgents(e, p)
	return b.revokedAgents(ctx, e, p, f)
}

// agentFleet is a set of agents, and what they tell of themselves.
type agentFleet struct {
	program *agent.Program
	arrived chan agentArrival
	first   sync.WaitGroup // the first state of each
	remove  func() error
}

// agentArrival is when an agent was told that something has changed, and when it had the list of a
// revocation.
type agentArrival struct {
	name     string // of the client; empty: its first state
	told, at time.Time
}

// timed is the source of one agent.
type timed struct {
	agent.Service
	fleet *agentFleet
	told  time.Time
	first sync.Once
}

// Fetch implements agent.Source.
func (s *timed) Fetch(
	ctx context.Context, instance int64, q agent.Question,
) (string, *chaveiro.AgentState, error) {
	tag, state, err := s.Service.Fetch(ctx, instance, q)
	if state == nil || err != nil {
		return tag, state, err
	}
	if q.Keys {
		s.first.Do(s.fleet.first.Done)
	}
	for _, one := range state.Revoked {
		select {
		case s.fleet.arrived <- agentArrival{*one.Name, s.told, time.Now()}:
		case <-ctx.Done():
			return tag, nil, ctx.Err()
		}
	}
	return tag, state, nil
}

// Wait implements agent.Source.
func (s *timed) Wait(ctx context.Context, instance int64, tag string, most time.Duration) (bool, error) {
	same, err := s.Service.Wait(ctx, instance, tag, most)
	s.told = time.Now()
	return same, err
}

// fleetOfAgents makes the instances with their agents.
func (b *bench) fleetOfAgents(ctx context.Context, e engine, p *product) (*agentFleet, error) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	f := &agentFleet{
		arrived: make(chan agentArrival, 2*benchAgents),
		program: &agent.Program{Interval: time.Second, Now: time.Now, Log: log},
	}
	f.first.Add(benchAgents)
	place, err := os.MkdirTemp(inMemory(e.dir), "chaveiro-agents-")
	if err != nil {
		return nil, err
	}
	f.remove = func() error { return os.RemoveAll(place) }
	began := time.Now()
	keys := &agentKeys{product: p}
	for n := range benchAgents {
		id, err := p.createOneOf(ctx, n)
		if err != nil {
			return nil, err
		}
		keys.ids = append(keys.ids, id)
	}
	for len(keys.ids) > 0 {
		sdk, ids, err := keys.next(ctx)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			dir := filepath.Join(place, fmt.Sprint(id))
			f.program.Instances = append(f.program.Instances, &agent.Instance{
				Place: agent.Place{
					ID: id, Dir: filepath.Join(dir, "vpn"), GID: -1, Management: management.Address{Path: dir + "/none.sock"},
				},
				Source: &timed{Service: agent.Service{SDK: sdk, Time: 15 * time.Second}, fleet: f},
				Now:    time.Now, Log: log,
			})
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %d instances made in %.1f s\n", e.name, benchAgents, time.Since(began).Seconds())
	return f, nil
}

// inMemory is a place for the files of the agents that costs the server no time: it waits for the
// same disk.
func inMemory(otherwise string) string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); err != nil || !info.IsDir() {
		return otherwise
	}
	return shared
}

// createOneOf makes an instance.
func (p *product) createOneOf(ctx context.Context, n int) (int64, error) {
	var made struct{ ID int64 }
	_, err := p.exchange(ctx, call{
		method: "POST", path: instancesPath, authorization: p.authorization, body: fmt.Appendf(
			nil, `{"ca_id": 1, "name": "vpn-%d", "network": "172.%d.%d.0/24"}`, n, 16+n/256, n%256,
		),
	}, &made)
	return made.ID, err
}

// agentKeys makes the apikeys of agents, each for some of the instances.
type agentKeys struct {
	*product
	role int64
	ids  []int64 // of the instances without one
}

func (k *agentKeys) next(ctx context.Context) (sdk *chaveiro.SDK, ids []int64, err error) {
	if k.role == 0 {
		var made struct{ ID int64 }
		_, err := k.exchange(ctx, call{
			method: "POST", path: "/api/roles", authorization: k.authorization,
			body: []byte(`{"name": "agents", "scopes": [{"name": "openvpn.agent", "read": true, "write": true}]}`),
		}, &made)
		if err != nil {
			return nil, nil, err
		}
		k.role = made.ID
	}
	n := min(agentsEach, len(k.ids))
	ids, k.ids = k.ids[:n], k.ids[n:]
	body, err := json.Marshal(map[string]any{
		"name": fmt.Sprintf("agents-%d", ids[0]), "roles": []map[string]int64{{"id": k.role}}, "instances": ids,
	})
	if err != nil {
		return nil, nil, err
	}
	var made struct{ Token string }
	_, err = k.exchange(ctx, call{
		method: "POST", path: "/api/3rdparty/apikeys", authorization: k.authorization, body: body,
	}, &made)
	if err != nil {
		return nil, nil, err
	}
	sdk, err = chaveiro.New(chaveiro.Config{
		URL: k.base, Auth: chaveiro.APIKey(made.Token), Timeout: time.Minute, Retries: chaveiro.NoRetries,
	})
	return sdk, ids, err
}

// settled waits until all agents have their files and the server is idle.
func (f *agentFleet) settled(ctx context.Context, p *product) error {
	done := make(chan struct{})
	go func() { f.first.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(5 * time.Minute):
		return errors.New("not all agents have their files")
	}
	time.Sleep(40 * time.Second) // OpenVPN is looked for every 30 s: the first time together
	return nil
}

// idleAgents measures the processor time of the server while nothing changes.
func (b *bench) idleAgents(e engine, p *product) {
	before := p.ticks()
	time.Sleep(agentIdleTime)
	share := float64(p.ticks()-before) / 100 / agentIdleTime.Seconds() // of ticks there are 100 a second
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("%d agents, idle", benchAgents), product: fmt.Sprintf("%.2f %% of a core", share*100),
		ratio: share / idleBound, target: atMost(1), note: fmt.Sprintf("ratio: to %.0f %% of a core", idleBound*100),
	})
}

// revokedAgents measures from the moment at which a revocation is asked for.
func (b *bench) revokedAgents(ctx context.Context, e engine, p *product, f *agentFleet) error {
	var told, have []time.Duration
	for client := 1; client <= agentRounds; client++ {
		var one struct{ Name string }
		path := fmt.Sprintf("%s/%d", clientsPath, client)
		if _, err := p.exchange(ctx, call{method: "GET", path: path, authorization: p.authorization}, &one); err != nil {
			return err
		}
		time.Sleep(3 * time.Second) // the pace of the agents
		begun := time.Now()
		if _, err := p.do(ctx, call{method: "DELETE", path: path, authorization: p.authorization}); err != nil {
			return err
		}
		lastTold, last, err := f.await(one.Name, begun)
		if err != nil {
			return err
		}
		told, have = append(told, lastTold), append(have, last)
	}
	for _, one := range []struct {
		what string
		took []time.Duration
	}{{"revoked, all agents are told", told}, {"revoked, all agents have the list", have}} {
		slices.Sort(one.took)
		most := one.took[len(one.took)-1]
		b.table.add(row{
			engine: e.name, what: one.what, product: milliseconds(most), p50: quantile(one.took, 0.5), p99: most,
			ratio: float64(most) / float64(fanOutBound), target: atMost(1),
			note: fmt.Sprintf("%d agents, %d times; ratio: the longest to %s", benchAgents, agentRounds, fanOutBound),
		})
	}
	return nil
}

// await waits until all agents have the list with a client.
func (f *agentFleet) await(name string, begun time.Time) (told, have time.Duration, err error) {
	for n := range benchAgents {
		select {
		case one := <-f.arrived:
			if one.name != name {
				return 0, 0, fmt.Errorf("an agent has the revocation of %s, not of %s", one.name, name)
			}
			told, have = max(told, one.told.Sub(begun)), max(have, one.at.Sub(begun))
		case <-time.After(30 * time.Second):
			return 0, 0, fmt.Errorf("%d of %d agents have the revocation of %s", n, benchAgents, name)
		}
	}
	return told, have, nil
}
