package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

var (
	descWebhookWaiting = prometheus.NewDesc("wasm_xds_webhook_waiting",
		"Messages that a receiver has not taken yet.", []string{"receiver"}, nil)
	descWebhookOldest = prometheus.NewDesc("wasm_xds_webhook_oldest_seconds",
		"Age of the oldest message that a receiver has not taken yet; 0: none waits.", []string{"receiver"}, nil)
	descWebhookFailing = prometheus.NewDesc("wasm_xds_webhook_failing",
		"1 while the last try to send a message to a receiver has failed, else 0.", []string{"receiver"}, nil)
)

// webhooks counts the messages to webhooks. Any goroutine may call the methods.
type webhooks struct{ tries, dropped *prometheus.CounterVec }

func newWebhooks() *webhooks {
	return &webhooks{
		tries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wasm_xds_webhook_tries_total", Help: "Tries to send a message to a webhook, by receiver and outcome.",
		}, []string{"receiver", "outcome"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wasm_xds_webhook_dropped_total", Help: "Messages that a receiver will not get: too many waited, or it did not take them in a day.",
		}, []string{"receiver"}),
	}
}

func (w *webhooks) register(r *prometheus.Registry) { r.MustRegister(w.tries, w.dropped) }

// WebhookTried counts a try to send a message.
func (w *webhooks) WebhookTried(receiver string, taken bool) {
	outcome := "failed"
	if taken {
		outcome = "taken"
	}
	w.tries.WithLabelValues(receiver, outcome).Inc()
}

// WebhookDropped counts a message that the receiver will not get.
func (w *webhooks) WebhookDropped(receiver string) { w.dropped.WithLabelValues(receiver).Inc() }

// start makes the series of a receiver exist before the first message, for the sake of rates.
func (w *webhooks) start(receiver string) {
	w.tries.WithLabelValues(receiver, "taken")
	w.tries.WithLabelValues(receiver, "failed")
	w.dropped.WithLabelValues(receiver)
}

// webhookCollector reads how the receivers are on each scrape.
type webhookCollector struct{ state func() []api.Webhook }

func (c webhookCollector) Describe(out chan<- *prometheus.Desc) {
	out <- descWebhookWaiting
	out <- descWebhookOldest
	out <- descWebhookFailing
}

func (c webhookCollector) Collect(out chan<- prometheus.Metric) {
	for _, one := range c.state() {
		age := 0.0
		if !one.OldestAt.IsZero() {
			age = time.Since(one.OldestAt).Seconds()
		}
		gauge := func(d *prometheus.Desc, value float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, one.Receiver)
		}
		gauge(descWebhookWaiting, float64(one.Waiting))
		gauge(descWebhookOldest, age)
		gauge(descWebhookFailing, float64(number(one.Error != nil)))
	}
}
