package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/signal"
)

var (
	descReportingEnvoys = prometheus.NewDesc("wasm_xds_reporting_envoys",
		"Envoys that report their stats, and Envoys that have stopped to, by state.", []string{"state"}, nil)
	descReportMemory = prometheus.NewDesc("wasm_xds_report_memory_bytes",
		"Memory for the reports of Envoys about themselves.", nil, nil)
)

// reportsCollector reads the sums of the reports on each scrape.
type reportsCollector struct {
	totals func(time.Time) signal.Totals
}

func (c reportsCollector) Describe(out chan<- *prometheus.Desc) {
	out <- descReportingEnvoys
	out <- descReportMemory
}

func (c reportsCollector) Collect(out chan<- prometheus.Metric) {
	t := c.totals(time.Now())
	out <- prometheus.MustNewConstMetric(descReportingEnvoys, prometheus.GaugeValue, float64(t.Reporting), "reporting")
	out <- prometheus.MustNewConstMetric(descReportingEnvoys, prometheus.GaugeValue, float64(t.Lost), "lost")
	out <- prometheus.MustNewConstMetric(descReportMemory, prometheus.GaugeValue, float64(t.Bytes))
}
