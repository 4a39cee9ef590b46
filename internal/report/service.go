package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// addService describes a service: which Envoys have it, and which of them wait for a restart.
func addService(v *View, f *api.Filter, st delivery.FilterStatus) {
	if st.Wanted.Type != spec.Service {
		return
	}
	revisions := map[string]string{} // by node id: an Envoy may have several streams
	for _, id := range v.Machine.Streams() {
		node, ok := v.Machine.Running(id, func(string, string) {})
		if revision, has := node.Metadata[spec.ServicePrefix+f.Name]; ok && has {
			revisions[node.ID] = revision
		}
	}
	f.Service = &api.Service{Envoys: []api.ServiceEnvoy{}}
	var old []string
	for node, revision := range revisions {
		one := api.ServiceEnvoy{Node: node, Revision: revision, Current: revision == f.Revision}
		f.Service.Envoys = append(f.Service.Envoys, one)
		if !one.Current {
			old = append(old, node)
		}
	}
	slices.SortFunc(f.Service.Envoys, func(a, b api.ServiceEnvoy) int { return cmp.Compare(a.Node, b.Node) })
	if len(old) == 0 {
		return
	}
	slices.Sort(old)
	const shown = 3
	names := strings.Join(old[:min(len(old), shown)], ", ")
	if len(old) > shown {
		names += ", …"
	}
	f.Warnings = append(f.Warnings, &api.Error{
		Code:    api.CodeServiceRestart,
		Message: fmt.Sprintf("%d of %d Envoys run another revision of the service until they restart: %s", len(old), len(revisions), names),
		Hint:    "write their bootstrap anew with `wasm-xds bootstrap`, and restart them, hot or not: no control plane can deliver a service",
		File:    f.SpecFile,
	})
}
