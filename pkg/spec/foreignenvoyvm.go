package spec

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"
)

// readEnvoyVM reads a VmConfig.
func readEnvoyVM(n *native, path string, vm *node) {
	at := func(name string) string { return join(path, name) }
	n.section(path, vm, spelled(fields{
		"vm_id": func(k, v *node) {
			if v.text != "" {
				n.put("vm.id", k, v, at("vm_id"))
			}
		},
		"runtime":           func(k, v *node) { readEnvoyRuntime(n, at("runtime"), k, v) },
		"code":              func(_, v *node) { readEnvoyCode(n, at("code"), v) },
		"configuration":     func(k, v *node) { n.anyConfig("vm.config", at("configuration"), k, v) },
		"allow_precompiled": func(k, v *node) { n.put("vm.allowPrecompiled", k, v, at("allow_precompiled")) },
		"nack_on_code_cache_miss": func(k, _ *node) {
			n.ignored(at("nack_on_code_cache_miss"), k, "wasm-xds waits until Envoy has the module", "")
		},
		"environment_variables": func(_, v *node) {
			n.section(at("environment_variables"), v, spelled(fields{
				"host_env_keys": func(k, v *node) {
					if n.is(at("environment_variables.host_env_keys"), v, kindList) && len(v.items) > 0 {
						n.put("vm.hostEnv", k, v, at("environment_variables.host_env_keys"))
					}
				},
				"key_values": func(k, v *node) { n.put("vm.env", k, v, at("environment_variables.key_values")) },
			}))
		},
		"capability_restriction_config": func(_, v *node) { readRestriction(n, at("capability_restriction_config"), v) },
	}))
	if vm.kind == kindMap && !n.has(at("code")) {
		n.failf(CodeMissingField, vm, "%s is missing", at("code"))
	}
}

// readEnvoyRuntime reads the name of a runtime. V8 is the default of a spec.
func readEnvoyRuntime(n *native, path string, key, v *node) {
	if short := strings.TrimPrefix(v.text, runtimePrefix); v.kind == kindString && short != "" {
		v = text(short, v)
	}
	if v.kind != kindString || v.text != "v8" {
		n.put("vm.runtime", key, v, path)
	}
}

// readEnvoyCode reads the AsyncDataSource of a module.
func readEnvoyCode(n *native, path string, code *node) {
	inline := func(name string) func(k, v *node) {
		return func(k, v *node) {
			if n.takesInline {
				n.readInline(path+".local."+name, name == "inline_bytes", v)
				return
			}
			n.unsupported(path+".local."+name, k, "a spec holds no module", "write the module into a file, and name it with filename")
		}
	}
	n.names["module"] = path
	n.section(path, code, fields{
		"local": func(_, v *node) {
			n.section(path+".local", v, spelled(fields{
				"filename":      func(k, v *node) { n.put("module.file", k, v, path+".local.filename") },
				"inline_bytes":  inline("inline_bytes"),
				"inline_string": inline("inline_string"),
				"watched_directory": func(k, _ *node) {
					n.ignored(path+".local.watched_directory", k, "wasm-xds watches the file itself", "")
				},
			}))
		},
		"remote": func(_, v *node) { readEnvoyRemote(n, path+".remote", v) },
	})
	if code.kind == kindMap && n.inline == nil && n.root.at("module") == nil && !n.has(path+".local") && !n.has(path+".remote") {
		n.failf(CodeMissingField, code, "%s has neither local nor remote", path)
	}
}

// readEnvoyURI reads the address of a module. The agent of Istio takes images, too.
func readEnvoyURI(n *native, path string, key, v *node) {
	if strings.HasPrefix(v.text, "oci://") {
		n.moduleFrom(path, key, v)
		return
	}
	n.put("module.url", key, v, path)
}

// readInline reads a module out of the configuration itself.
func (n *native) readInline(path string, isBase64 bool, v *node) {
	if !n.is(path, v, kindString) {
		return
	}
	n.inline = []byte(v.text)
	if !isBase64 {
		return
	}
	// Envoy's reader takes both alphabets, with and without padding.
	plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(v.text), "=")
	var err error
	if n.inline, err = base64.RawStdEncoding.DecodeString(plain); err != nil {
		n.failf(CodeBadValue, v, "%s is no base64", path)
	}
}

func readEnvoyRemote(n *native, path string, remote *node) {
	fetches := func(name string) func(k, _ *node) {
		return func(k, _ *node) {
			n.ignored(path+"."+name, k, "wasm-xds fetches the module itself, from the host of the URL", "")
		}
	}
	var sumKey, sum *node
	n.names["module.sha256"] = path + ".sha256"
	n.section(path, remote, spelled(fields{
		"http_uri": func(_, v *node) {
			n.section(path+".http_uri", v, fields{
				"uri":     func(k, v *node) { readEnvoyURI(n, path+".http_uri.uri", k, v) },
				"cluster": fetches("http_uri.cluster"),
				"timeout": fetches("http_uri.timeout"),
			})
		},
		"sha256":       func(k, v *node) { sumKey, sum = k, v },
		"retry_policy": fetches("retry_policy"),
	}))
	if sum != nil && sum.text != "nil" { // Istio's word for a module without a checksum
		n.digest(path+".sha256", sumKey, sum)
	}
}

// anyConfig applies a configuration in an Any. native is the path in a spec, and from the foreign
// path. Text without a type stands for itself.
func (n *native) anyConfig(native, from string, key, v *node) {
	at := typeField(v)
	as := ConfigType("")
	if at != nil {
		for _, one := range typedConfigs() {
			if one.name == shortType(at.value.text) {
				as = one.as
			}
		}
	}
	if as == ConfigBytes && n.textOfBytes(native, from, key, v) {
		return
	}
	if as != ConfigString && as != ConfigStruct {
		n.put(native, key, v, from) // the native decoder knows bytes, and refuses other types
		return
	}
	var value *node
	n.section(from, v, fields{typeKey: func(_, _ *node) {}, "value": func(_, v *node) { value = v }})
	switch {
	case as == ConfigString && (value == nil || value.kind == kindString && value.text == ""):
		// Envoy's default
	case as == ConfigString:
		if n.is(from+".value", value, kindString) {
			n.put(native, key, value, from+".value")
		}
	default:
		if value == nil {
			value = &node{kind: kindMap, pos: v.pos}
		}
		if n.is(from+".value", value, kindMap) {
			n.put(native+"Type", key, text(string(ConfigStruct), v), from)
			n.put(native, key, value, from+".value")
		}
	}
}

// textOfBytes applies a BytesValue that holds text.
func (n *native) textOfBytes(native, from string, key, v *node) bool {
	value := v.at("value")
	if len(v.entries) != 2 || value == nil || value.kind != kindString {
		return false
	}
	content, err := base64.StdEncoding.DecodeString(value.text)
	if err != nil || !utf8.Valid(content) || bytes.ContainsRune(content, 0) {
		return false
	}
	n.put(native+"Type", key, text(string(ConfigBytes), v), from)
	n.put(native, key, text(string(content), value), from+".value")
	return true
}

// readRestriction reads the functions that a module may call. Envoy's list also has the callbacks
// of the module, which a spec always allows.
func readRestriction(n *native, path string, v *node) {
	n.section(path, v, spelled(fields{
		"allowed_capabilities": func(k, v *node) {
			if !n.is(path+".allowed_capabilities", v, kindMap) || len(v.entries) == 0 {
				return // Envoy restricts nothing
			}
			names := &node{kind: kindList, pos: v.pos}
			for _, e := range v.entries {
				if !isCallback(e.key.text) {
					names.items = append(names.items, e.key)
				}
			}
			n.put("capabilities", k, names, path+".allowed_capabilities")
		},
	}))
}

func isCallback(name string) bool {
	return strings.HasPrefix(name, "proxy_on_") ||
		slices.Contains([]string{"proxy_validate_configuration", "_start", "_initialize", "main", "malloc"}, name)
}

// spelled adds the second spelling of fields: protobuf's JSON form knows root_id and rootId.
func spelled(known fields) fields {
	all := fields{}
	for name, read := range known {
		all[name] = read
		parts := strings.Split(name, "_")
		for i, part := range parts[1:] {
			if part != "" {
				parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
			}
		}
		all[strings.Join(parts, "")] = read
	}
	return all
}

func shortType(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
