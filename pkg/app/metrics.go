package app

import (
	"cmp"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// registry has all metrics but those of pkg/wire, which adds its own. Reading them asks neither the
// database nor anybody else, so a scrape waits for nothing.
func (s *Server) registry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildGauge(string(s.storage.Store.Engine())), s.auditGauge(), s.clock.gauge(),
		collector(s.collectState), collector(s.collectCAs), collector(s.collectTelemetry),
		collector(s.collectTasks), collector(s.collectStandby), collector(s.collectSizes),
		collector(s.collectKeyStores), collector(s.collectRetries),
	)
	if s.certificate != nil {
		registry.MustRegister(s.certificate.gauge())
	}
	registry.MustRegister(s.masterKeyGauges()...)
	registry.MustRegister(s.crlGauges()...)
	registry.MustRegister(s.caGauges()...)
	registry.MustRegister(s.eventGauges()...)
	registry.MustRegister(s.mailGauges()...)
	registry.MustRegister(s.webhookMetrics()...)
	return registry
}

// collector makes its metrics when they are read. It declares none before: which there are depends
// on what there is to tell.
type collector func(chan<- prometheus.Metric)

// Describe implements prometheus.Collector.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) { c(to) }

// family is a metric with its labels.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gaugeOf(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue}
}

func counterOf(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue}
}

// add adds a value. Labels are valid UTF-8.
func (f family) add(to chan<- prometheus.Metric, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

// addTime adds an instant in seconds since 1970, unless it is zero.
func (f family) addTime(to chan<- prometheus.Metric, at time.Time, labels ...string) {
	if !at.IsZero() {
		f.add(to, float64(at.UnixMilli())/1000, labels...)
	}
}

var (
	readyMetric = gaugeOf(
		"chaveiro_ready", "Whether a check of readiness holds, as it was found when it was last asked for.", "check",
	)
	turnsRunning   = gaugeOf("chaveiro_turns_running", "Costly jobs of a kind that run.", "kind")
	turnsWaiting   = gaugeOf("chaveiro_turns_waiting", "Costly jobs of a kind that wait for their turn.", "kind")
	refusalsMetric = counterOf("chaveiro_refusals_total", "Refused attempts: to sign in (login), or any other (access).", "kind")
	eventsMetric   = counterOf("chaveiro_events_total", "Events that this process has put into the stream, by type.", "type")
	auditChecked   = gaugeOf("chaveiro_audit_checked_timestamp_seconds", "When the signed part of the audit was last found whole, and its ends signed if that was due.")
	agentsMetric   = gaugeOf(
		"chaveiro_agents", "Agents beside OpenVPN servers that have reported, by their state, as of the last count.", "state",
	)
	sessionsMetric = gaugeOf(
		"chaveiro_tunnel_sessions", "Sessions of OpenVPN servers that an agent sees, as of the last count.",
	)
	apikeyEndMetric = gaugeOf("chaveiro_apikey_next_expiry_timestamp_seconds", "When the first of the apikeys ends that can be used, as of the last count.")
)

// collectState tells what this process knows of itself.
func (s *Server) collectState(to chan<- prometheus.Metric) {
	for _, check := range s.readiness.recent() {
		holds := 0.0
		if check.Fault == "" {
			holds = 1
		}
		readyMetric.add(to, holds, check.Name)
	}
	for _, queue := range s.Services.Queues.All() {
		running, waiting := queue.Load()
		turnsRunning.add(to, float64(running), queue.Name)
		turnsWaiting.add(to, float64(waiting), queue.Name)
	}
	logins, others := s.Services.Refusals.Refused()
	refusalsMetric.add(to, float64(logins), "login")
	refusalsMetric.add(to, float64(others), "access")
	published := s.Services.Stream.Published()
	for _, name := range domain.EventTypes() {
		eventsMetric.add(to, float64(published[name]), string(name))
	}
	auditChecked.addTime(to, s.Services.Audit.Checked())
	if count := s.Services.Census.Last(); count != nil {
		apikeyEndMetric.addTime(to, count.APIKeyEnd)
		agentsMetric.add(to, float64(count.Agents.Reported-count.Agents.Silent), "ok")
		agentsMetric.add(to, float64(count.Agents.Silent), "silent")
		sessionsMetric.add(to, float64(count.Agents.Sessions))
	}
}

func build() *debug.BuildInfo {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info
	}
	return &debug.BuildInfo{}
}

// version is the version of this program.
func version() string { return cmp.Or(build().Main.Version, "unknown") }

// buildGauge is 1, with what runs as its labels.
func buildGauge(engine string) prometheus.Collector {
	info := build()
	revision := ""
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			revision = setting.Value
		}
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "chaveiro_build_info", Help: "1; the labels say which program runs, on which database.",
		ConstLabels: prometheus.Labels{
			"version": version(), "revision": revision, "goversion": info.GoVersion,
			"database": engine,
		},
	})
	gauge.Set(1)
	return gauge
}
