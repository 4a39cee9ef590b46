package envoy

import (
	"slices"
	"strings"
)

// NeedsCapability reports whether a module needs Envoy's permission to call a host function.
func NeedsCapability(module, name string) bool {
	return module == ModuleEnv && strings.HasPrefix(name, "proxy_") || module == ModuleWASI || module == ModuleWASIUnstable
}

// Allows reports whether capabilities let a module call or export a function; nil: they allow all.
func Allows(capabilities []string, name string) bool {
	return capabilities == nil || slices.Contains(capabilities, name)
}

// WithCallbacks adds the callbacks to a spec's capabilities. A spec restricts the module's calls;
// Envoy's calls are always allowed.
func WithCallbacks(capabilities []string) []string {
	capabilities = slices.Clone(capabilities)
	for _, c := range Callbacks() {
		capabilities = append(capabilities, c.Name)
	}
	return capabilities
}
