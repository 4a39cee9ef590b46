package examine

import (
	"github.com/wasm-xds/wasm-xds/internal/mask"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// secretsOf hides the parts of a spec that a module may log and a test may show: the
// configurations, the variables, and the headers of requests, which may have tokens. The author of
// the spec sees all of them with wasm-xds check.
func secretsOf(s *spec.Spec, config *string) mask.Mask {
	var b mask.Builder
	b.Config(config, s.ConfigType)
	b.Config(s.VM.Config, s.VM.ConfigType)
	for _, value := range s.VM.Env {
		b.Value(value)
	}
	for _, test := range s.Tests {
		for _, step := range test.Steps {
			if step.HTTP == nil {
				continue
			}
			for _, header := range step.HTTP.Request.Headers {
				for _, value := range header.Values {
					b.Value(value)
				}
			}
		}
	}
	return b.Mask()
}
