package agent

import (
	"fmt"
	"io"
	"net/http"
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
	write(w, "chaveiro_agent_crl_expires_seconds", "Seconds until the revocation list of a CA ends.", p.lists(now))
	write(w, "chaveiro_agent_sessions", "Sessions whose name is known, when the agent last looked.", p.each(
		func(r reading) float64 { return float64(r.online) },
	))
	write(w, "chaveiro_agent_sessions_ended", "Sessions that the agent has ended since it began.", p.each(
		func(r reading) float64 { return float64(r.ended) },
	))
	write(w, "chaveiro_agent_pending", "Names whose sessions are to end, or have just ended.", p.each(
		func(r reading) float64 { return float64(len(r.known.Pending)) },
	))
	write(w, "chaveiro_agent_openvpn_up", "Whether the management interface of OpenVPN is there.", p.each(
		func(r reading) float64 {
			if r.absent {
				return 0
			}
			return 1
		},
	))
}

func (p *Program) each(value func(reading) float64) (samples []string) {
	for _, i := range p.Instances {
		samples = append(samples, fmt.Sprintf("{instance=\"%d\"} %g", i.ID, value(i.health.snapshot())))
	}
	return samples
}

func (p *Program) lists(now time.Time) (samples []string) {
	for _, i := range p.Instances {
		for _, l := range i.health.snapshot().known.Lists {
			name := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(l.CA)
			samples = append(
				samples, fmt.Sprintf("{instance=\"%d\",ca=\"%s\"} %g", i.ID, name, l.NextUpdate.Sub(now).Seconds()),
			)
		}
	}
	return samples
}

// write writes a gauge. An error means that the reader has gone away.
func write(w io.Writer, name, help string, samples []string) {
	_, _ = fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
	for _, sample := range samples {
		_, _ = io.WriteString(w, name+sample+"\n")
	}
}
