package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

var (
	descCertificateDays = prometheus.NewDesc("wasm_xds_certificate_expiry_days",
		"Days until the first certificate of a port's chain expires; negative after that, absent before there is one.", []string{"port"}, nil)
	descCertificateError = prometheus.NewDesc("wasm_xds_certificate_error",
		"1 while a port gets no newer certificate than the last good one: its newest TLS files cannot be used, or its SPIFFE agent is away. Else 0.", []string{"port"}, nil)
)

// certificateCollector reads the certificates on each scrape.
type certificateCollector struct{ certificates func() []api.Certificate }

func (c certificateCollector) Describe(out chan<- *prometheus.Desc) {
	out <- descCertificateDays
	out <- descCertificateError
}

func (c certificateCollector) Collect(out chan<- prometheus.Metric) {
	const day = 24 * time.Hour
	for _, one := range c.certificates() {
		days := float64(time.Until(one.NotAfter)) / float64(day)
		for _, port := range one.Ports {
			if !one.NotAfter.IsZero() {
				out <- prometheus.MustNewConstMetric(descCertificateDays, prometheus.GaugeValue, days, port)
			}
			out <- prometheus.MustNewConstMetric(descCertificateError, prometheus.GaugeValue, float64(number(one.Error != nil)), port)
		}
	}
}
