package spec

import (
	"slices"
	"strings"
)

const (
	envoyHTTPWasm    = "envoy.extensions.filters.http.wasm.v3.Wasm"
	envoyNetworkWasm = "envoy.extensions.filters.network.wasm.v3.Wasm"
	envoyTypedConfig = "envoy.config.core.v3.TypedExtensionConfig"
	typedStruct      = ".TypedStruct"
)

// isEnvoy recognizes a filter, a list of filters, or a file of resources out of the configuration
// of an Envoy, and also a whole bootstrap.
func isEnvoy(root *node) bool {
	if root.kind == kindList {
		return len(root.items) > 0 && isEnvoy(root.items[0])
	}
	if root.at("module") != nil {
		return false
	}
	return slices.ContainsFunc([]string{typeKey, "typed_config", "typedConfig", "resources", "static_resources", "staticResources"},
		func(key string) bool { return root.at(key) != nil })
}

// readEnvoy reads the Wasm filters in a part of Envoy's configuration.
func readEnvoy(f *foreign, root *node) {
	switch {
	case root.kind == kindList:
		readEnvoyList(f, "", root)
	case root.at("resources") != nil:
		readEnvoyList(f, "resources", root.at("resources"))
	case root.at("static_resources") != nil || root.at("staticResources") != nil:
		f.fail(&Error{
			Code: CodeForeignUnsupported, Message: "this is a whole bootstrap of Envoy, and no filter",
			Hint: "wasm-xds adopt FILE takes its Wasm filters out; or copy a single filter", Pos: root.pos,
		})
	default:
		n := f.add(root)
		readEnvoyFilter(n, "", root)
	}
}

func readEnvoyList(f *foreign, path string, list *node) {
	if !f.is(path, list, kindList) {
		return
	}
	for i, item := range list.items {
		n := f.addEntry(item)
		if len(list.items) == 1 {
			n.defaultName = f.defaultName
		}
		readEnvoyFilter(n, entryPath(path, i), item)
	}
}

// readEnvoyFilter reads a filter with a name and a typed_config, or the typed_config alone.
func readEnvoyFilter(n *native, path string, filter *node) {
	if at := typeField(filter); at != nil && !strings.HasSuffix(at.value.text, "/"+envoyTypedConfig) && at.value.text != envoyTypedConfig {
		readEnvoyConfig(n, path, filter)
		return
	}
	var config *node // read last, because the name of the filter goes before that of the plugin
	n.section(path, filter, spelled(fields{
		typeKey: func(_, _ *node) {},
		"name": func(_, v *node) {
			// The name of the extension says nothing about the filter.
			if name, ok := n.filled(join(path, "name"), v); ok && !strings.HasPrefix(name, "envoy.") {
				n.setName(v, join(path, "name"))
			}
		},
		"typed_config": func(_, v *node) { config = v },
		"is_optional": func(k, _ *node) {
			n.ignored(join(path, "is_optional"), k, "every Envoy with Wasm knows the filter", "")
		},
		"disabled": func(k, v *node) {
			if n.boolean(join(path, "disabled"), v) {
				n.unsupported(join(path, "disabled"), k, "the listener and its routes switch a filter on and off",
					"write disabled: true beside config_discovery in the listener, and remove it here")
			}
		},
	}))
	switch {
	case config != nil:
		readEnvoyConfig(n, join(path, "typed_config"), config)
	case filter.kind == kindMap:
		n.failf(CodeMissingField, filter, "%s is missing", join(path, "typed_config"))
	}
}

// readEnvoyConfig reads the message of a Wasm filter, or a TypedStruct with its fields.
func readEnvoyConfig(n *native, path string, message *node) {
	if !n.is(path, message, kindMap) {
		return
	}
	at := typeField(message)
	if at == nil {
		n.fail(&Error{
			Code: CodeMissingField, Message: join(path, "@type") + " is missing",
			Hint: "a Wasm filter has type.googleapis.com/" + envoyHTTPWasm, Pos: message.pos,
		})
		return
	}
	name, where := shortType(at.value.text), at.value
	known := fields{typeKey: func(_, _ *node) {}}
	body := func(_, v *node) { readPlugin(n, join(path, "config"), v) }
	if strings.HasSuffix(name, typedStruct) {
		if url := message.at("type_url"); url != nil {
			name, where = shortType(url.text), url
		} else if url := message.at("typeUrl"); url != nil {
			name, where = shortType(url.text), url
		}
		known["type_url"] = func(_, _ *node) {}
		known["value"] = func(_, v *node) {
			n.section(join(path, "value"), v, fields{"config": func(_, v *node) { readPlugin(n, join(path, "value.config"), v) }})
		}
	} else {
		known["config"] = body
	}
	switch name {
	case envoyHTTPWasm:
	case envoyNetworkWasm:
		n.put("type", where, text(string(Network), where), join(path, typeKey))
	default:
		n.fail(&Error{
			Code: CodeForeignUnsupported, Message: "the @type " + brief(name) + " is no Wasm filter",
			Hint: "known here: " + envoyHTTPWasm + ", " + envoyNetworkWasm + "; Envoy takes only filters over ECDS", Pos: where.pos,
		})
		return
	}
	n.section(path, message, spelled(known))
	if n.root.at("module") == nil && len(n.errs) == 0 {
		n.failf(CodeMissingField, message, "%s.vm_config is missing", join(path, "config"))
	}
}
