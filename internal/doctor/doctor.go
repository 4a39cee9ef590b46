package doctor

import "github.com/wasm-xds/wasm-xds/internal/envoyconfig"

// Check looks for problems of a configuration.
func Check(c *envoyconfig.Config, o Options) Report {
	e := newExam(c, o)
	e.check()
	return e.report()
}
