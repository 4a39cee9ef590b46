package recording

import (
	"encoding/json"
	"fmt"
)

// Place says where Envoy's configuration has a filter.
type Place struct {
	Found  bool // an HTTP filter has the name
	Tapped bool // one tap is right before the filter, and two are right after it
}

// Find looks for a filter, and for the taps around it, in Envoy's /config_dump.
func Find(dump []byte, name string) (Place, error) {
	var root any
	if err := json.Unmarshal(dump, &root); err != nil {
		return Place{}, fmt.Errorf("read Envoy's configuration: %w", err)
	}
	var p Place
	p.walk(root, name)
	return p, nil
}

func (p *Place) walk(value any, name string) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			p.walk(v, name)
		}
	case map[string]any:
		for key, v := range value {
			if filters, ok := v.([]any); ok && key == "http_filters" {
				p.look(filters, name)
				continue
			}
			p.walk(v, name)
		}
	}
}

func (p *Place) look(filters []any, name string) {
	for i, f := range filters {
		one, _ := f.(map[string]any)
		if one["name"] != name {
			continue
		}
		p.Found = true
		if i > 0 && i+2 < len(filters) && isTap(filters[i-1]) && isTap(filters[i+1]) && isTap(filters[i+2]) {
			p.Tapped = true
		}
	}
}

// isTap says whether a filter is a tap with the config_id of this package.
func isTap(filter any) bool {
	one, _ := filter.(map[string]any)
	config, _ := one["typed_config"].(map[string]any)
	common, _ := config["common_config"].(map[string]any)
	admin, _ := common["admin_config"].(map[string]any)
	return admin["config_id"] == ConfigID
}

// Patch says how Envoy's configuration gets the taps.
func Patch(name string) string {
	tap := func(place string) string {
		return fmt.Sprintf(`+- name: wasm_xds_tap_%s
+  typed_config:
+    "@type": type.googleapis.com/envoy.extensions.filters.http.tap.v3.Tap
+    common_config: { admin_config: { config_id: %s } }
`, place, ConfigID)
	}
	return " http_filters:\n" + tap("before") + fmt.Sprintf(" - name: %s\n   config_discovery: …\n", name) + tap("after") + tap("after_too")
}
