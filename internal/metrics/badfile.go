package metrics

import "github.com/prometheus/client_golang/prometheus"

var (
	descIdentityRulesError = prometheus.NewDesc("wasm_xds_identity_rules_error",
		"1 while the newest file of --node-identity-rules cannot be used and the last good rules stay, else 0.", nil, nil)
	descTokenFileError = prometheus.NewDesc("wasm_xds_token_file_error",
		"1 while the newest file of --admin-token-file cannot be used and the last good tokens stay, else 0.", nil, nil)
)

// badFileCollector says on each scrape whether the newest content of a followed file is bad.
type badFileCollector struct {
	desc  *prometheus.Desc
	isBad func() bool
}

func (c badFileCollector) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

func (c badFileCollector) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(number(c.isBad())))
}
