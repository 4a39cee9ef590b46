package report

import (
	"cmp"
	"fmt"
	"maps"
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
	// An Envoy may have several streams with a revision, and two revisions during a hot restart.
	all := map[api.ServiceEnvoy]bool{}
	for _, id := range v.Machine.Streams() {
		node, ok := v.Machine.Running(id, func(string, string) {})
		if revision, has := node.Metadata[spec.ServicePrefix+f.Name]; ok && has {
			all[api.ServiceEnvoy{Node: node.ID, Revision: revision, Current: revision == f.Revision}] = true
		}
	}
	envoys := slices.SortedFunc(maps.Keys(all), func(a, b api.ServiceEnvoy) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Revision, b.Revision))
	})
	f.Service = &api.Service{Envoys: append([]api.ServiceEnvoy{}, envoys...)}
	var old []string
	for _, one := range envoys {
		if !one.Current {
			old = append(old, one.Node)
		}
	}
	if len(old) == 0 {
		return
	}
	const shown = 3
	names := strings.Join(old[:min(len(old), shown)], ", ")
	if len(old) > shown {
		names += ", …"
	}
	f.Warnings = append(f.Warnings, &api.Error{
		Code:    api.CodeServiceRestart,
		Message: fmt.Sprintf("%d of %d Envoys run another revision of the service until they restart: %s", len(old), len(envoys), names),
		Hint:    "write their bootstrap anew with `wasm-xds bootstrap`, and restart them, hot or not: no control plane can deliver a service",
		File:    f.SpecFile,
	})
}
