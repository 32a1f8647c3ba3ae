package app

import (
	"crypto/x509"
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/events"
)

// webhooks is what requests of webhooks are made with.
func (c Config) webhooks() (events.SenderSettings, error) {
	set := events.SenderSettings{Allow: c.WebhookAllow}
	if c.WebhookCA == "" {
		return set, nil
	}
	text, err := os.ReadFile(c.WebhookCA)
	if err != nil {
		return set, fmt.Errorf("webhook-ca: %w", err)
	}
	if set.Roots, err = x509.SystemCertPool(); err != nil {
		set.Roots = x509.NewCertPool()
	}
	if !set.Roots.AppendCertsFromPEM(text) {
		return set, fmt.Errorf("webhook-ca: %s has no certificate", c.WebhookCA)
	}
	return set, nil
}

// webhookMetrics report on the deliveries of webhooks. They use the state of this process, and ask
// nobody.
func (s *Server) webhookMetrics() []prometheus.Collector {
	deliveries := func(result string, value func(events.WebhookHealth) int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "chaveiro_webhook_deliveries_total", Help: "Attempts to deliver events to webhooks here, by what came of them.",
			ConstLabels: prometheus.Labels{"result": result},
		}, func() float64 { return float64(value(s.Services.Deliverer.Health())) })
	}
	return []prometheus.Collector{
		deliveries("delivered", func(h events.WebhookHealth) int64 { return h.Delivered }),
		deliveries("failed", func(h events.WebhookHealth) int64 { return h.Failed - h.GivenUp }),
		deliveries("dead", func(h events.WebhookHealth) int64 { return h.GivenUp }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chaveiro_webhook_lag_seconds",
			Help: "How long ago the oldest event happened that is under way to a webhook here; 0 when none is.",
		}, func() float64 { return s.Services.Deliverer.Health().Lag.Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chaveiro_webhook_dead_letters", Help: "Deliveries of all webhooks that were given up, as of a minute ago.",
		}, func() float64 { return float64(s.Services.Deliverer.Health().Dead) }),
	}
}
