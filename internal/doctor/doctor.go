package doctor

import "github.com/wasm-xds/wasm-xds/internal/envoyconfig"

// Check looks for problems of a configuration.
func Check(c *envoyconfig.Config, o Options) Report {
	if o.ModulesCluster == "" {
		o.ModulesCluster = DefaultModulesCluster
	}
	e := &exam{config: c, options: o, clusters: map[string]bool{}}
	e.otherADS = otherADS(c)
	e.findOurs()
	e.checkFiles()
	e.checkSources()
	e.checkClusters()
	for _, f := range e.ours {
		e.checkTypes(f)
		e.checkDefault(f)
		e.checkOrder(f)
	}
	e.checkNames()
	e.checkNode()
	e.checkBoot()
	envoyconfig.SortFindings(e.findings)
	return Report{Findings: e.findings, Notes: e.notes}
}
