package static

import (
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

func checkMemory(c *checker) {
	usable := slices.ContainsFunc(c.module.Memories, func(m wasmbin.Memory) bool { return m.Imported || m.Export != "" })
	if !usable {
		c.add(finding.Problem{
			Step: finding.StepMemory, Code: finding.CodeMemoryMissing,
			Message: "the module exports no memory: Envoy would accept it, and crash on the first request",
		})
	}
	for _, m := range c.module.Memories {
		if m.Min > envoy.MaximumMemoryPages {
			c.add(finding.Problem{
				Step: finding.StepMemory, Code: finding.CodeMemoryLimit,
				Message: fmt.Sprintf("the module's memory begins with %d pages of 64 KiB; Envoy gives %d at most", m.Min, envoy.MaximumMemoryPages),
			})
		}
		if limit := c.options.Memory; limit != 0 && m.Min > limit {
			c.add(finding.Problem{
				Step: finding.StepMemory, Code: finding.CodeMemoryLimit,
				Message: fmt.Sprintf("the module's memory begins with %d pages of 64 KiB; %d are allowed", m.Min, limit),
			})
		}
	}
}
