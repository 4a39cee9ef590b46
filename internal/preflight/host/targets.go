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
	// calling are the versions that call the running function of the start; nil: all versions.
	calling []string
}

// since returns the versions from first on; nil: none.
func (t *targets) since(first string) []string { return envoy.Since(t.versions, first) }

// calls reports whether a version calls the running function of the start.
func (t *targets) calls(version string) bool {
	return t.calling == nil || slices.Contains(t.calling, version)
}

// restrict removes the versions that forbid a call of the running function; left is false if the
// function runs in none of the rest.
func (t *targets) restrict(f envoy.HostFunction) (left bool) {
	var lacking, rest []string
	for _, version := range t.versions {
		if t.calls(version) && !f.MayStart(version) {
			lacking = append(lacking, version)
		} else {
			rest = append(rest, version)
		}
	}
	if len(lacking) == 0 {
		return true
	}
	t.restricted = append(t.restricted, Restriction{f.Module + "." + f.Name, lacking})
	t.versions = rest
	return slices.ContainsFunc(rest, t.calls)
}
