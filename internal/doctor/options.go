package doctor

import (
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Options have the facts beside the configuration. With the zero value, nothing is known.
type Options struct {
	// Specs are the specs of the control plane. They count only with SpecsKnown.
	Specs      []*spec.Spec
	SpecsKnown bool
	// ModulesCluster is the name of the cluster with the module server, as in `serve
	// --modules-cluster`; "": wasm_xds_modules.
	ModulesCluster string
}

func (o Options) hasSpec(name string) bool { return o.SpecsKnown && o.specOf(name) != nil }

func (o Options) specOf(name string) *spec.Spec {
	for _, s := range o.Specs {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// DefaultModulesCluster is the name of the module server's cluster by default.
const DefaultModulesCluster = "wasm_xds_modules"

// DefaultXDSCluster is the name of the control plane's cluster in the bootstraps of this program.
const DefaultXDSCluster = "wasm_xds"

// Report is the result of a check.
type Report struct {
	// Findings are the problems, sorted by place.
	Findings []envoyconfig.Finding
	// XDS are the clusters of the control plane. Modules is the cluster of the module server; "":
	// no module has to be fetched.
	XDS     []string
	Modules string
	// Notes explain the effect of the configuration on requests. They are no problems.
	Notes []string
	// Suggestions are notes with a patch.
	Suggestions []envoyconfig.Finding
}
