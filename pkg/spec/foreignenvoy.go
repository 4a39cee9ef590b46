package spec

import "strings"

const (
	envoyHTTPWasm    = "envoy.extensions.filters.http.wasm.v3.Wasm"
	envoyNetworkWasm = "envoy.extensions.filters.network.wasm.v3.Wasm"
	envoyService     = "envoy.extensions.wasm.v3.WasmService"
	envoyTypedConfig = "envoy.config.core.v3.TypedExtensionConfig"
	typedStruct      = ".TypedStruct"
)

// hintService is the hint for a Wasm service, which a native spec can describe.
const hintService = "write a spec with type: service for it, and take the entry of wasm-xds bootstrap into the configuration of Envoy"

// readEnvoyFilter reads a filter with a name and a typed_config, or the typed_config alone.
func readEnvoyFilter(n *native, path string, filter *node) {
	filter = envoyWords(filter)
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
	name, where := messageType(message)
	known := fields{typeKey: func(_, _ *node) {}}
	body := func(_, v *node) { readPlugin(n, join(path, "config"), v) }
	if strings.HasSuffix(at.value.text, typedStruct) {
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
		hint := "known here: " + envoyHTTPWasm + ", " + envoyNetworkWasm + "; Envoy takes only filters over ECDS"
		if name == envoyService {
			hint = hintService
		}
		n.fail(&Error{Code: CodeForeignUnsupported, Message: "the @type " + brief(name) + " is no Wasm filter", Hint: hint, Pos: where.pos})
		return
	}
	n.section(path, message, spelled(known))
	if n.root.at("module") == nil && n.inline == nil && len(n.errs) == 0 {
		n.failf(CodeMissingField, message, "%s.vm_config is missing", join(path, "config"))
	}
}

// messageType returns the type of the message in a typed_config, and its place. It looks into a
// TypedStruct.
func messageType(message *node) (name string, where *node) {
	at := typeField(message)
	if at == nil {
		return "", message
	}
	if strings.HasSuffix(at.value.text, typedStruct) {
		for _, key := range []string{"type_url", "typeUrl"} {
			if url := message.at(key); url != nil {
				return shortType(url.text), url
			}
		}
	}
	return shortType(at.value.text), at.value
}

// envoyWords returns a value as Envoy reads it: words like yes are booleans without quotes.
func envoyWords(n *node) *node {
	other := *n
	switch {
	case n.kind == kindString && n.plain:
		switch strings.ToLower(n.text) {
		case "yes", "on", "y":
			other.kind, other.text = kindBool, "true"
		case "no", "off", "n":
			other.kind, other.text = kindBool, "false"
		}
	case n.kind == kindMap:
		other.entries = nil
		for _, e := range n.entries {
			other.entries = append(other.entries, entry{key: e.key, value: envoyWords(e.value)})
		}
	case n.kind == kindList:
		other.items = nil
		for _, item := range n.items {
			other.items = append(other.items, envoyWords(item))
		}
	}
	return &other
}
