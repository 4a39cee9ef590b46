package report

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Sync returns the outcome of the newest set: the version of the snapshot and its filters. The
// caller adds the errors of the sources.
func Sync(v *View) api.Sync {
	out := api.Sync{Version: v.Snapshot.Version()}
	refused := map[string]string{}
	for _, u := range v.Specs.Unfinished() {
		refused[u.Spec.Name] = u.Refused
	}
	for _, w := range v.Snapshot.All() {
		st, ok := v.Machine.Brief(w.Name)
		if !ok || st.Wanted == nil {
			continue
		}
		f := Brief(v, st)
		one := api.SyncFilter{Name: w.Name, State: f.State, SpecFile: f.SpecFile, Error: f.Error, Refused: refused[w.Name]}
		if st.Wanted.Revision != nil {
			one.Revision = st.Wanted.Revision.ID
		}
		out.Filters = append(out.Filters, one)
	}
	return out
}

// Missing names the work that a sync waits for.
func Missing(v *View) string {
	switch pending, _ := v.Specs.Pending(); {
	case len(pending) > 0:
		return "still fetched or tried: " + few(pending)
	case v.Tags.Polling():
		return "a registry is still asked where tags lead"
	default:
		return "local files are still read"
	}
}

// few is the first few names, and the number of the remaining ones.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
