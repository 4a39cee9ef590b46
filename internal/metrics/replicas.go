package metrics

import "github.com/prometheus/client_golang/prometheus"

var (
	descReplicas = prometheus.NewDesc("wasm_xds_replicas",
		"Replicas of the fleet that this one knows, itself included.", nil, nil)
	descLeads = prometheus.NewDesc("wasm_xds_replica_leads",
		"1 while this replica decides about rollouts for the fleet, else 0.", nil, nil)
	descWithoutLedger = prometheus.NewDesc("wasm_xds_replica_degraded",
		"1 while this replica serves without its ledger, so that new revisions wait, else 0.", nil, nil)
)

// replicaCollector reads the place of this replica on each scrape.
type replicaCollector struct {
	standing func() (others int, leads, degraded bool)
}

func (c replicaCollector) Describe(out chan<- *prometheus.Desc) {
	out <- descReplicas
	out <- descLeads
	out <- descWithoutLedger
}

func (c replicaCollector) Collect(out chan<- prometheus.Metric) {
	others, leads, degraded := c.standing()
	for desc, value := range map[*prometheus.Desc]float64{
		descReplicas: float64(1 + others), descLeads: float64(number(leads)), descWithoutLedger: float64(number(degraded)),
	} {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
}

// WatchReplica adds the gauges of this replica's place among the others.
func (r *Recorder) WatchReplica(standing func() (others int, leads, degraded bool)) {
	r.registry.MustRegister(replicaCollector{standing})
}

// PeerAsked counts a question for a module to another replica.
func (r *Recorder) PeerAsked(outcome string) { r.peerModules.WithLabelValues(outcome).Inc() }
