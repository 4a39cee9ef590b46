package host

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// TestEveryFunctionIsBound expects each host function of Envoy to be the function of one topic.
func TestEveryFunctionIsBound(t *testing.T) {
	f := &newInstance(Config{}, envoy.ABI021, envoy.Versions(), nil).functions
	seen := map[string]bool{}
	for _, one := range envoy.HostFunctions() {
		if seen[one.Name] {
			t.Errorf("two modules have %s", one.Name)
		}
		seen[one.Name] = true
		topics := 0
		for _, bind := range f.topics() {
			if bind(one.Name) != nil {
				topics++
			}
		}
		if topics != 1 || f.bind(one.Name) == nil {
			t.Errorf("%d topics have %s", topics, one.Name)
		}
	}
	if f.bind("proxy_no_such_function") != nil {
		t.Error("a function that Envoy does not have is bound")
	}
}
