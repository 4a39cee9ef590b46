package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

var descIdentityRulesError = prometheus.NewDesc("wasm_xds_identity_rules_error",
	"1 while the newest file of --node-identity-rules cannot be used and the last good rules stay, else 0.", nil, nil)

// identityCollector reads the state of the rules on each scrape.
type identityCollector struct{ identity func() api.Identity }

func (c identityCollector) Describe(out chan<- *prometheus.Desc) { out <- descIdentityRulesError }

func (c identityCollector) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(descIdentityRulesError, prometheus.GaugeValue, float64(number(c.identity().Error != nil)))
}
