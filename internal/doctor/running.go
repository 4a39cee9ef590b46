package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// Running has the answers of a running Envoy, and the control plane's view of this Envoy.
type Running struct {
	Config *envoyconfig.Config
	Loaded []envoyconfig.Loaded
	State  string // as in /server_info: LIVE, INITIALIZING, …
	// Waiting are the filters of closed listeners, as in /init_dump.
	Waiting []string
	Stats   map[string]int64 // as in /stats

	// Nodes are the control plane's nodes. They count only with NodesKnown.
	Nodes      []api.Node
	NodesKnown bool
}

// CheckRunning looks for problems of a running Envoy, in the configuration and in the state.
func CheckRunning(r Running, o Options) Report {
	e := &runningExam{newExam(r.Config, o), r}
	e.check()
	e.checkConnections()
	arrived := e.checkArrival()
	if r.NodesKnown {
		e.compare(arrived)
	}
	return e.report()
}

// runningExam is the check of a running Envoy.
type runningExam struct {
	*exam
	Running
}

// live adds a finding about the running Envoy.
func (e *runningExam) live(severity envoyconfig.Severity, code, message, hint string) {
	e.add(envoyconfig.Finding{Code: code, Severity: severity, File: e.config.Files[0].Path, Message: message, Hint: hint}, nil, nil)
}

// checkConnections looks whether Envoy has a connection to the control plane.
func (e *runningExam) checkConnections() {
	for _, c := range e.config.Clusters {
		if !e.clusters[c.Name] || !e.isAsked(c.Name) {
			continue
		}
		prefix := "cluster." + statName(c.Name) + "."
		total, failed, active := e.Stats[prefix+"upstream_cx_total"], e.Stats[prefix+"upstream_cx_connect_fail"], e.Stats[prefix+"upstream_cx_active"]
		var addresses []string
		for _, at := range c.Endpoints() {
			addresses = append(addresses, at.Address)
		}
		where := cmp.Or(strings.Join(addresses, ", "), "an address that is not in its configuration")
		switch {
		case active > 0:
		case failed > 0:
			e.live(envoyconfig.SeverityError, "xds_unreachable", fmt.Sprintf("Envoy has no connection to the cluster %q (%s): %d of %d attempts failed", c.Name, where, failed, total),
				"look whether the control plane listens there, and whether Envoy reaches the address from its own network")
		case total > 0:
			e.live(envoyconfig.SeverityError, "xds_closes", fmt.Sprintf("each of Envoy's %d connections to the cluster %q (%s) was closed by the other end", total, c.Name, where),
				"compare the protocols: HTTP/2, and TLS on both sides or on neither; `wasm-xds status` names clients with a wrong protocol")
		}
	}
}

// statName is the name of a cluster in Envoy's stats.
func statName(cluster string) string { return strings.ReplaceAll(cluster, ":", "_") }

// checkArrival looks whether the filters have come. The result has the versions of the arrived
// filters.
func (e *runningExam) checkArrival() map[string][]string {
	arrived := map[string][]string{}
	for _, one := range e.Loaded {
		arrived[one.Name] = append(arrived[one.Name], one.Version)
	}
	for _, name := range e.names() {
		switch {
		case slices.Contains(e.Waiting, name):
			closed := "its listener is closed"
			if e.State == "INITIALIZING" || e.State == "PRE_INITIALIZING" {
				closed = "all listeners of the bootstrap are closed, and /ready answers 503"
			}
			e.live(envoyconfig.SeverityError, "waits_for_filter", fmt.Sprintf("Envoy waits for the filter %q, and %s", name, closed),
				"look at the other findings, and at `wasm-xds status "+name+"`")
		case len(arrived[name]) == 0:
			e.live(envoyconfig.SeverityError, "filter_missing", fmt.Sprintf("the filter %q has never come, and its listener is open: every request gets 500", name),
				"look at the other findings, and at `wasm-xds status "+name+"`")
		}
	}
	return arrived
}

// compare compares the Envoy with the control plane's view.
func (e *runningExam) compare(arrived map[string][]string) {
	if len(e.ours) == 0 {
		return
	}
	id := e.config.Node.Scalar("id")
	said := map[string][]api.NodeFilter{}
	connected := false
	for _, n := range e.Nodes {
		if n.ID != id || n.State != api.NodeConnected {
			continue
		}
		connected = true
		for _, f := range n.Filters {
			said[f.Name] = append(said[f.Name], f)
		}
	}
	if !connected {
		e.live(envoyconfig.SeverityError, "not_connected", fmt.Sprintf("the control plane knows no connected Envoy with the node id %q", id),
			"if another control plane is meant, name its API with --admin-address; else look at the other findings")
		return
	}
	for _, name := range e.names() {
		e.compareFilter(name, said[name], arrived[name])
	}
}

func (e *runningExam) compareFilter(name string, said []api.NodeFilter, versions []string) {
	if len(said) == 0 {
		e.live(envoyconfig.SeverityError, "not_asked", fmt.Sprintf("the control plane has the Envoy, which has not asked it for the filter %q", name),
			"look which source the filter has: another control plane may get the request")
		return
	}
	for _, f := range said {
		switch {
		case f.State == api.SubscriberRejected, f.State == api.SubscriberDenied, f.State == api.SubscriberUnsupported:
			message, hint := fmt.Sprintf("the filter %q is %s on this Envoy", name, f.State), "wasm-xds status "+name+" has more"
			if f.Error != nil {
				message, hint = message+": "+f.Error.Message, cmp.Or(f.Error.Hint, hint)
			}
			e.live(envoyconfig.SeverityError, "filter_"+string(f.State), message, hint)
		case f.State == api.SubscriberLive && f.Revision != "" && len(versions) > 0 && !slices.ContainsFunc(versions, isRevision(f.Revision)):
			e.live(envoyconfig.SeverityWarning, "other_revision", fmt.Sprintf("Envoy has version %s of the filter %q, and the control plane says that revision %s is live there",
				strings.Join(versions, ", "), name, f.Revision), "run doctor again: an edit may be on its way")
		}
	}
}

// isRevision says whether a version on the wire belongs to a revision.
func isRevision(revision string) func(version string) bool {
	return func(version string) bool { return strings.HasPrefix(version, revision) }
}
