package adopt_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// dump has the clusters and listeners of an Envoy by name.
type dump struct{ clusters, listeners map[string]any }

// dumpOf reads the clusters and listeners from Envoy's admin port, without Wasm filters, filters
// over ECDS, and times.
func dumpOf(t *testing.T, envoy *harness.EnvoyProcess) dump {
	t.Helper()
	var doc struct {
		Configs []struct {
			Type           string                              `json:"@type"`
			StaticClusters []struct{ Cluster map[string]any }  `json:"static_clusters"`
			ActiveClusters []struct{ Cluster map[string]any }  `json:"dynamic_active_clusters"`
			Static         []struct{ Listener map[string]any } `json:"static_listeners"`
			Dynamic        []struct {
				Active struct{ Listener map[string]any } `json:"active_state"`
			} `json:"dynamic_listeners"`
		}
	}
	must(t, json.Unmarshal([]byte(envoy.Admin("/config_dump")), &doc))
	d := dump{map[string]any{}, map[string]any{}}
	for _, config := range doc.Configs {
		for _, one := range append(config.StaticClusters, config.ActiveClusters...) {
			d.clusters[name(one.Cluster)] = one.Cluster
		}
		for _, one := range config.Static {
			d.listeners[name(one.Listener)] = withoutWasm(one.Listener)
		}
		for _, one := range config.Dynamic {
			d.listeners[name(one.Active.Listener)] = withoutWasm(one.Active.Listener)
		}
	}
	return d
}

func name(of map[string]any) string {
	text, _ := of["name"].(string)
	return text
}

// withoutWasm removes the filters of Wasm and of ECDS from lists.
func withoutWasm(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, field := range value {
			value[key] = withoutWasm(field)
		}
	case []any:
		kept := []any{}
		for _, item := range value {
			if !isWasm(item) {
				kept = append(kept, withoutWasm(item))
			}
		}
		return kept
	}
	return value
}

func isWasm(item any) bool {
	filter, ok := item.(map[string]any)
	if !ok {
		return false
	}
	if filter["config_discovery"] != nil {
		return true
	}
	config, _ := filter["typed_config"].(map[string]any)
	url, _ := config["@type"].(string)
	return strings.HasSuffix(url, ".wasm.v3.Wasm")
}
