package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// neededStats are examples of the stats that wasm-xds reads.
var neededStats = []string{
	"http.x.downstream_rq_completed", "http.x.downstream_rq_5xx", "http.x.downstream_rq_4xx", "http.x.downstream_rq_time",
	"wasm.x.vm_reload_success", "wasmcustom.x", "server.uptime", "server.concurrency", "cluster_manager.cluster_added",
}

// statsExam looks at the reports of the Envoy: rollouts watch a filter only by them.
type statsExam struct{ *exam }

func (e statsExam) check() {
	if len(e.ours) == 0 {
		return
	}
	parts, err := bootstrap.NewParts(bootstrap.Options{})
	if err != nil {
		return // the options are constant
	}
	sink, log := e.toOurs(parts.StatsSink), e.toOurs(parts.TrapLog)
	ours := func(r envoyconfig.Reporting) bool { return e.clusters[r.Cluster] }
	sinks := e.config.MetricsSinks()
	if at := slices.IndexFunc(sinks, ours); at >= 0 {
		e.checkSink(sinks[at])
	} else {
		root := e.config.Bootstrap
		e.suggest(root, "no_stats_sink", "this Envoy does not report its stats to wasm-xds: a rollout sees that a revision loads there, and not how it does",
			"add the stats sink if specs have rollout.health", insertListItem(root, "stats_sinks", sink)...)
	}
	seen := map[*envoyconfig.Node]bool{}
	for _, f := range e.ours {
		manager := f.Chain.Manager
		if manager == nil || seen[manager.Node] || slices.ContainsFunc(manager.AccessLogs(), ours) {
			continue
		}
		seen[manager.Node] = true
		config := manager.Node.Get("typed_config")
		e.suggest(config, "no_trap_log", fmt.Sprintf("the chain of %q has no access log of the requests that fail because a filter trapped: no stat counts them, "+
			"and with failurePolicy open, requests pass without the filter afterwards", f.Name),
			"add the access log if specs have rollout.health", insertListItem(config, "access_log", log)...)
	}
}

// checkSink looks at a stats sink that leads to wasm-xds.
func (e statsExam) checkSink(sink envoyconfig.Reporting) {
	if labels := sink.Config.Get("emit_tags_as_labels"); labels.Scalar() == "true" {
		e.warn(labels, "stats_as_labels", "this stats sink splits the names of stats into labels, and wasm-xds reads whole names: the Envoy counts as one that does not report",
			"set emit_tags_as_labels to false", replaceScalar(labels, "false")...)
	}
	for _, name := range neededStats {
		if makes, at := e.config.MakesStat(name); !makes {
			e.warn(at, "stats_rejected", fmt.Sprintf("the stats_matcher keeps Envoy from making stats such as %s, by which rollouts watch a filter", name),
				"let the matcher take them: `wasm-xds bootstrap --stats few` prints one that takes no others")
			return
		}
	}
}

// suggest adds a note with a patch.
func (e statsExam) suggest(n *envoyconfig.Node, code, message, hint string, edits ...envoyconfig.Edit) {
	f := envoyconfig.At(n, envoyconfig.SeverityNote, code, message, hint)
	if n.File != nil && len(edits) > 0 && f.Line > 0 {
		if diff, err := n.File.Diff(edits...); err == nil { // edits that do not fit are no patch
			f.Patch = diff
		}
	}
	e.suggestions = append(e.suggestions, f)
}

// toOurs returns an item of a list, without the comment above it, that leads to the control plane's
// cluster in this configuration.
func (e statsExam) toOurs(item string) string {
	item = item[strings.Index(item, "- "):]
	own := "cluster_name: " + DefaultXDSCluster + " }"
	return strings.ReplaceAll(item, own, "cluster_name: "+e.xdsClusterName()+" }")
}

// insertListItem adds an item to a list in a field of a map, with the field if it is missing.
func insertListItem(m *envoyconfig.Node, name, item string) []envoyconfig.Edit {
	_, list := m.Field(name)
	if list == nil {
		return insertField(m, name, item)
	}
	fields := strings.ReplaceAll(strings.TrimPrefix(item, "- "), "\n  ", "\n")
	return insertItem(list, fields)
}
