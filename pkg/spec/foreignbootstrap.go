package spec

import (
	"path"
	"slices"
	"strings"
)

// envoyParts are fields of Envoy's messages that contain filters.
func envoyParts() []string {
	return []string{
		"static_resources", "staticResources", "dynamic_resources", "dynamicResources", "resources", "listeners",
		"filter_chains", "filterChains", "filters", "http_filters", "httpFilters", "configs",
	}
}

// isEnvoy recognizes a part of the configuration of an Envoy: a filter, a list of filters, a file
// of resources, a listener, or a whole bootstrap.
func isEnvoy(root *node) bool {
	if root.kind == kindList {
		return slices.ContainsFunc(root.items, func(item *node) bool { return item.kind == kindMap && isEnvoy(item) })
	}
	for _, key := range []string{"module", "kind", "apiVersion"} {
		if root.at(key) != nil {
			return false
		}
	}
	return isEnvoyFilter(root) || isEnvoyPart(root)
}

// isEnvoyFilter recognizes a filter with a name and a typed_config, or a message alone.
func isEnvoyFilter(root *node) bool {
	return root.at(typeKey) != nil || root.at("typed_config") != nil || root.at("typedConfig") != nil
}

func isEnvoyPart(root *node) bool {
	return slices.ContainsFunc(envoyParts(), func(key string) bool {
		part := root.at(key)
		return part != nil && (part.kind == kindMap || part.kind == kindList && !slices.ContainsFunc(part.items, isScalar))
	})
}

func isScalar(n *node) bool { return n.kind != kindMap && n.kind != kindList }

// readEnvoy reads the Wasm filters in a part of Envoy's configuration.
func readEnvoy(f *foreign, root *node) {
	if root.kind == kindMap && isEnvoyFilter(root) && !isEnvoyPart(root) {
		n := f.add(root)
		readEnvoyFilter(n, "", root)
		if f.defaultName == "" {
			n.nameByContent()
		}
		return
	}
	f.part = true
	w := &envoyWalk{foreign: f, known: map[string]bool{}}
	w.visit("", root)
	w.complete(root, "this configuration of an Envoy has no Wasm filter of its own")
}

// envoyWalk finds the Wasm filters in a part of Envoy's configuration, at any place.
type envoyWalk struct {
	*foreign
	known map[string]bool // the filters as native documents
}

// visit looks into a value. at has only the last field of the path: the position says the rest.
func (w *envoyWalk) visit(at string, n *node) {
	for i, item := range n.items {
		w.visit(entryPath(at, i), item)
	}
	if n.kind != kindMap {
		return
	}
	if isWasmFilter(n.at("typed_config")) || isWasmFilter(n.at("typedConfig")) {
		w.filter(at, n)
		return
	}
	w.other(n)
	for _, e := range n.entries {
		w.visit(e.key.text, e.value)
	}
}

// filter adds a filter. Listeners that have the same filter share a spec.
func (w *envoyWalk) filter(at string, n *node) {
	one := w.addEntry(n)
	readEnvoyFilter(one, at, n)
	one.nameByContent()
	text := (&nativeWriter{}).document(one.root)
	if len(one.errs) == 0 && w.known[text] {
		w.filters = w.filters[:len(w.filters)-1]
	}
	w.known[text] = true
}

// other notes the uses of Wasm that no spec describes.
func (w *envoyWalk) other(n *node) {
	at := typeField(n)
	if at == nil {
		return
	}
	name := shortType(at.value.text)
	if strings.Contains(name, ".wasm.v3.") && !isWasmType(name) {
		hint := "leave it in the configuration of Envoy"
		if name == envoyService {
			hint = hintService
		}
		w.ignored("the "+brief(name)+" here", at.value, "Envoy takes only filters over ECDS", hint)
	}
}

// complete refuses a document without a Wasm filter.
func (w *envoyWalk) complete(root *node, message string) {
	if len(w.filters) == 0 && len(w.errs) == 0 {
		w.fail(&Error{
			Code: CodeForeignUnsupported, Message: message,
			Hint: "move it out of this directory: every .yaml and .yml file in it is a spec", Pos: root.pos,
		})
	}
	if len(w.filters) == 1 {
		w.filters[0].defaultName = w.defaultName
	}
}

// nameByContent names a filter without a name by its root, or else by the file of its module.
func (n *native) nameByContent() {
	candidates := []*node{n.root.at("rootId")}
	for _, field := range []string{"file", "url"} {
		if v := n.root.at("module").at(field); v != nil && v.kind == kindString {
			stem := path.Base(v.text)
			candidates = append(candidates, text(strings.TrimSuffix(stem, path.Ext(stem)), v))
		}
	}
	for _, one := range candidates {
		if one != nil && one.kind == kindString && nameProblem(one.text) == "" {
			n.setName(one, "name")
		}
	}
}

// isWasmFilter says whether a typed_config is a Wasm filter.
func isWasmFilter(message *node) bool {
	if message == nil {
		return false
	}
	name, _ := messageType(message)
	return isWasmType(name)
}

func isWasmType(name string) bool { return name == envoyHTTPWasm || name == envoyNetworkWasm }
