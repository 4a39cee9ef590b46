package host

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// Restriction is a call during the start, forbidden in some versions.
type Restriction struct {
	Function string // module.name
	Versions []string
}

// targets are the versions of Envoy for which a module runs. If some of them forbid a call during
// the start, the run goes on for the rest.
type targets struct {
	versions   []string
	restricted []Restriction
}

// since returns the versions from first on; nil: none.
func (t *targets) since(first string) []string { return envoy.Since(t.versions, first) }

// restrict removes the versions that forbid a call during the start; left is false if none remains.
func (t *targets) restrict(f envoy.HostFunction) (left bool) {
	lacking := slices.DeleteFunc(slices.Clone(t.versions), f.MayStart)
	if len(lacking) == 0 {
		return true
	}
	t.restricted = append(t.restricted, Restriction{f.Module + "." + f.Name, lacking})
	t.versions = slices.DeleteFunc(slices.Clone(t.versions), func(v string) bool { return !f.MayStart(v) })
	return len(t.versions) > 0
}
