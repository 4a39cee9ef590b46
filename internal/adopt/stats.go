package adopt

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// reporting plans the reports of the Envoy.
type reporting struct{ *maker }

// add adds the reports of the Envoy to wasm-xds, where the file has none: the access logs of the
// chosen lists. connect adds the stats sink.
func (m reporting) add(chosen []*list) *spec.Error {
	if !m.o.Stats {
		if !m.in.ListenersOnly && !slices.ContainsFunc(m.in.Config.MetricsSinks(), m.toUs) {
			m.plan.note(spec.Position{File: m.in.File.Path}, "the Envoy does not report its stats to wasm-xds, by which rollouts watch how a new revision does: --stats adds that")
		}
		return nil
	}
	seen := map[*envoyconfig.Node]bool{}
	for _, l := range chosen {
		if l.kind != spec.HTTP || !m.serves(l) {
			continue
		}
		added := false
		for _, c := range l.chains {
			_, config := c.Manager.Node.Field("typed_config")
			config = anchored(config)
			if seen[config] || slices.ContainsFunc(c.Manager.AccessLogs(), m.toUs) {
				continue
			}
			seen[config], added = true, true
			if p := m.addTrapLog(config); p != nil {
				return p
			}
		}
		if !added {
			continue
		}
		m.plan.Added = append(m.plan.Added, "access_log of the listener "+listOf(l.listeners())+": the requests that fail because a filter traps, to wasm-xds")
	}
	return nil
}

// serves says whether wasm-xds provides a filter of a list after the edits.
func (m reporting) serves(l *list) bool {
	return len(m.inserted[l].names) > 0 || slices.ContainsFunc(l.filters(), m.ours) ||
		slices.ContainsFunc(m.taken, func(t *taken) bool { return t.list == l })
}

// addTrapLog adds the access log to the configuration of an HTTP connection manager, before its
// filters if it has no other access log.
func (m reporting) addTrapLog(config *envoyconfig.Node) *spec.Error {
	if _, there := config.Field("access_log"); there != nil {
		return m.patch.Append(config, m.parts.TrapLog, "access_log")
	}
	key, _ := config.Field("http_filters")
	index := slices.IndexFunc(config.Entries, func(e envoyconfig.Entry) bool { return e.Key == key })
	if index < 1 {
		index = len(config.Entries)
	}
	return m.patch.AddFields(config, index, "access_log:\n"+m.parts.TrapLog)
}

// toUs says whether a sink or a log sends to wasm-xds.
func (m reporting) toUs(r envoyconfig.Reporting) bool { return r.Cluster == m.xdsName }

// statsFields returns the field stats_sinks of a bootstrap without it, and adds the sink to the
// others if there are others.
func (m reporting) statsFields(root *envoyconfig.Node) (string, *spec.Error) {
	if !m.o.Stats || slices.ContainsFunc(m.in.Config.MetricsSinks(), m.toUs) {
		return "", nil
	}
	m.plan.Added = append(m.plan.Added, "stats_sinks: all stats of the Envoy, to wasm-xds")
	if makes, at := m.in.Config.MakesStat("http.x.downstream_rq_completed"); !makes {
		m.plan.warn(at.Pos(), "the stats_matcher keeps Envoy from making the stats by which rollouts watch a filter, as "+
			strings.Join([]string{"http.*.downstream_rq_completed", "wasm*"}, " and "))
	}
	if _, there := root.Field("stats_sinks"); there != nil {
		return "", m.patch.Append(root, m.parts.StatsSink, "stats_sinks")
	}
	return "stats_sinks:\n" + m.parts.StatsSink, nil
}
