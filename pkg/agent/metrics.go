package agent

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// reading is a copy of what an instance tells of itself.
type reading struct {
	known            memory
	answered, lapsed time.Time
	failed           int
	online, ended    int
	absent           bool
}

func (h *health) snapshot() reading {
	h.mu.Lock()
	defer h.mu.Unlock()
	return reading{h.known, h.answered, h.lapsed, h.failed, h.online, h.ended, !h.away.IsZero()}
}

// metrics writes the text format of Prometheus, version 0.0.4.
func (p *Program) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	now := p.Now()
	write(w, "chaveiro_agent_answered_seconds", "Seconds since the service last answered.", p.each(
		func(r reading) float64 { return now.Sub(r.answered).Seconds() },
	))
	write(w, "chaveiro_agent_failures", "Steps that failed one after the other; 0: the last one did not.", p.each(
		func(r reading) float64 { return float64(r.failed) },
	))
	write(w, "chaveiro_agent_crl_expires_seconds", "Seconds until the revocation list of a CA ends.", p.lists(
		func(l listMemory) float64 { return l.NextUpdate.Sub(now).Seconds() },
	))
	write(w, "chaveiro_agent_crl_life_seconds", "How long the revocation list of a CA lives in all.", p.lists(
		func(l listMemory) float64 { return l.NextUpdate.Sub(l.ThisUpdate).Seconds() },
	))
	write(w, "chaveiro_agent_sessions", "Sessions whose name is known, when the agent last looked.", p.each(
		func(r reading) float64 { return float64(r.online) },
	))
	writeAs(w, "counter", "chaveiro_agent_sessions_ended_total", "Sessions that the agent has ended.", p.each(
		func(r reading) float64 { return float64(r.ended) },
	))
	write(w, "chaveiro_agent_pending", "Names whose sessions are to end, or have just ended.", p.managed(
		func(r reading) float64 { return float64(len(r.known.Pending)) },
	))
	write(w, "chaveiro_agent_openvpn_up", "Whether the management interface of OpenVPN is there.", p.managed(
		func(r reading) float64 {
			if r.absent {
				return 0
			}
			return 1
		},
	))
}

func (p *Program) each(value func(reading) float64) []string { return samplesOf(p.Instances, value) }

// managed is each without the instances that the agent only writes files for.
func (p *Program) managed(value func(reading) float64) []string {
	return samplesOf(slices.DeleteFunc(slices.Clone(p.Instances), func(i *Instance) bool {
		return i.Management.Path == ""
	}), value)
}

func samplesOf(instances []*Instance, value func(reading) float64) (samples []string) {
	for _, i := range instances {
		samples = append(samples, fmt.Sprintf("{openvpn_instance=\"%d\"} %g", i.ID, value(i.health.snapshot())))
	}
	return samples
}

func (p *Program) lists(value func(listMemory) float64) (samples []string) {
	for _, i := range p.Instances {
		for _, l := range i.health.snapshot().known.Lists {
			name := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(l.CA)
			samples = append(samples, fmt.Sprintf("{openvpn_instance=\"%d\",ca=\"%s\"} %g", i.ID, name, value(l)))
		}
	}
	return samples
}

func write(w io.Writer, name, help string, samples []string) {
	writeAs(w, "gauge", name, help, samples)
}

// writeAs writes a metric. An error means that the reader has gone away.
func writeAs(w io.Writer, kind, name, help string, samples []string) {
	_, _ = fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	for _, sample := range samples {
		_, _ = io.WriteString(w, name+sample+"\n")
	}
}
