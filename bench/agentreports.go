package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// reporters is how many agents report, each of an instance with sessionsEach sessions.
	reporters    = 1000
	sessionsEach = 10
	// reportEvery is how often each does, and wholeEvery which of its reports has all sessions,
	// with their octets.
	reportEvery = 30 * time.Second
	wholeEvery  = 10
	// reportBound is the processor time of the server, as a share of one processor.
	reportBound = 0.10
)

// reporter is an agent.
type reporter struct {
	path  string
	first int // of its sessions
	mark  string
	bytes int
}

// reportRows measures what it costs that agents report who is connected.
func reportRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "agents", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	all, err := p.reporters(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	for i := range all {
		if err := p.report(ctx, &all[i], true); err != nil {
			return err
		}
	}
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("a first report of %d sessions", sessionsEach),
		product: milliseconds(time.Since(begun) / reporters), note: "one after the other; without a floor",
	})
	return b.reportRow(ctx, e, p, all)
}

// reporters makes the clients and the instances.
func (p *product) reporters(ctx context.Context) ([]reporter, error) {
	clients := &newClients{}
	for range reporters * sessionsEach / 1000 {
		body := clients.batch(1000)
		batch := call{method: "POST", path: clientsPath + "/batch", authorization: p.authorization, body: body}
		if _, err := p.do(ctx, batch); err != nil {
			return nil, err
		}
	}
	all := make([]reporter, reporters)
	for i := range all {
		body := fmt.Appendf(nil, `{"ca_id": 1, "name": "vpn%d", "network": "10.8.0.0/24"}`, i)
		var instance struct{ ID int64 }
		asked := call{method: "POST", path: instancesPath, authorization: p.authorization, body: body}
		if _, err := p.exchange(ctx, asked, &instance); err != nil {
			return nil, err
		}
		all[i] = reporter{path: fmt.Sprintf("%s/%d/agent/report", instancesPath, instance.ID), first: i * sessionsEach}
	}
	return all, nil
}

// report sends one report: of all sessions, or of no change.
func (p *product) report(ctx context.Context, r *reporter, whole bool) error {
	type session struct {
		Number   int    `json:"number"`
		Since    int    `json:"since"`
		Name     string `json:"name"`
		Real     string `json:"real_address"`
		Address  string `json:"address"`
		Cipher   string `json:"cipher"`
		BytesIn  int    `json:"bytes_in"`
		BytesOut int    `json:"bytes_out"`
	}
	body := map[string]any{
		"version": "v1", "interval": 30, "at": time.Now().UTC(), "up": true, "openvpn": "OpenVPN 2.6.14", "tag": "ab",
		"looked": true, "base": r.mark, "lists": []map[string]string{{"issuer": "0a1b2c3d4e5f6071", "number": "7"}},
	}
	if r.bytes++; whole {
		list := make([]session, sessionsEach)
		for k := range list {
			list[k] = session{
				k, 1795781307, fmt.Sprintf("filial-%d", r.first+k+1), "203.0.113.9:51088",
				fmt.Sprintf("10.8.0.%d", k+2), "AES-256-GCM", r.bytes, r.bytes,
			}
		}
		body["base"], body["sessions"] = "", list
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	var done struct{ Mark string }
	_, err = p.exchange(ctx, call{method: "POST", path: r.path, authorization: p.authorization, body: text}, &done)
	if err != nil || done.Mark == "" {
		return fmt.Errorf("a report is answered with the mark %q: %w", done.Mark, err)
	}
	r.mark = done.Mark
	return nil
}

// reportRow measures the processor time of the server while each agent reports once, evenly over
// the time.
func (b *bench) reportRow(ctx context.Context, e engine, p *product, all []reporter) error {
	time.Sleep(2 * time.Second)
	before, pace := p.ticks(), time.NewTicker(reportEvery/reporters)
	defer pace.Stop()
	var sent sync.WaitGroup
	faults := make([]error, len(all))
	for i := range all {
		<-pace.C
		sent.Go(func() { faults[i] = p.report(ctx, &all[i], i%wholeEvery == 0) })
	}
	sent.Wait()
	share := float64(p.ticks()-before) / 100 / reportEvery.Seconds() // of ticks there are 100 a second
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("%d agents report", reporters), product: fmt.Sprintf("%.2f %% of a core", share*100),
		ratio: share / reportBound, target: atMost(1),
		note: fmt.Sprintf("%d sessions each, every %s, each %dth of all; ratio: to %.0f %% of a core",
			sessionsEach, reportEvery, wholeEvery, reportBound*100),
	})
	return errors.Join(faults...)
}
