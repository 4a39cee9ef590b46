package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

var descTokenFileError = prometheus.NewDesc("wasm_xds_token_file_error",
	"1 while the newest file of --admin-token-file cannot be used and the last good tokens stay, else 0.", nil, nil)

// tokenCollector reads the state of the tokens on each scrape.
type tokenCollector struct{ tokens func() api.Tokens }

func (c tokenCollector) Describe(out chan<- *prometheus.Desc) { out <- descTokenFileError }

func (c tokenCollector) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(descTokenFileError, prometheus.GaugeValue, float64(number(c.tokens().Error != nil)))
}
