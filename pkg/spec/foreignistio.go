package spec

import "strings"

// readWasmPlugin reads Istio's WasmPlugin.
func readWasmPlugin(f *foreign, root *node) {
	n := f.add(root)
	name := f.manifest(root, func(_, v *node) {
		p := &istioPlugin{native: n, path: "spec"}
		known := p.fields()
		for field, read := range istioPlacement(n) {
			known[field] = read
		}
		n.section("spec", v, known)
		p.complete(v)
	})
	n.setName(name, "metadata.name")
}

// readTrafficExtension reads Istio's TrafficExtension. Its Lua filters are no Wasm.
func readTrafficExtension(f *foreign, root *node) {
	n := f.add(root)
	name := f.manifest(root, func(_, v *node) {
		known := istioPlacement(n)
		known["wasm"] = func(_, v *node) {
			p := &istioPlugin{native: n, path: "spec.wasm"}
			n.section("spec.wasm", v, p.fields())
			p.complete(v)
		}
		known["lua"] = func(k, _ *node) {
			n.notWasm = true
			n.unsupported("spec.lua", k, "this is a filter in Lua, and not Wasm", hintLua)
		}
		n.section("spec", v, known)
		if v.kind == kindMap && !n.has("spec.wasm") && !n.has("spec.lua") {
			n.failf(CodeMissingField, v, "spec.wasm is missing")
		}
	})
	n.setName(name, "metadata.name")
}

// istioPlacement are the fields of Istio's documents that say where a filter runs.
func istioPlacement(n *native) fields {
	target := func(path string) func(k, _ *node) {
		return func(k, _ *node) { n.ignored(path, k, whyTarget, hintTarget) }
	}
	return fields{
		"selector":   func(_, v *node) { n.selector(v) },
		"targetRef":  target("spec.targetRef"),
		"targetRefs": target("spec.targetRefs"),
		"phase": func(k, v *node) {
			if choice(n.decoder, "spec.phase", v, "UNSPECIFIED_PHASE", "UNSPECIFIED", "AUTHN", "AUTHZ", "STATS") != "" {
				n.ignored("spec.phase", k, whyOrder, hintOrder)
			}
		},
		"priority": func(k, v *node) {
			if n.is("spec.priority", v, kindNumber) {
				n.ignored("spec.priority", k, whyOrder, hintOrder)
			}
		},
		"match": func(k, v *node) { n.match(k, v) },
	}
}

// selector applies the labels of a selector to the metadata of the Envoys.
func (n *native) selector(v *node) {
	n.section("spec.selector", v, fields{
		"matchLabels": func(k, v *node) {
			if n.is("spec.selector.matchLabels", v, kindMap) && len(v.entries) > 0 {
				n.names["nodes"] = "spec.selector"
				n.put("nodes.metadata", k, v, "spec.selector.matchLabels")
			}
		},
	})
}

// match accepts only traffic selectors that let all traffic pass: a filter that guards one port
// would guard the others, too, or none.
func (n *native) match(key, v *node) {
	if !n.is("spec.match", v, kindList) {
		return
	}
	all := len(v.items) == 0
	for i, item := range v.items {
		every := true
		path := entryPath("spec.match", i)
		n.section(path, item, fields{
			"mode": func(_, v *node) {
				mode := choice(n.decoder, path+".mode", v, "CLIENT_AND_SERVER", "CLIENT", "SERVER", "UNDEFINED")
				every = every && (mode == "CLIENT_AND_SERVER" || mode == "UNDEFINED")
			},
			"ports": func(_, v *node) { every = every && v.kind == kindList && len(v.items) == 0 },
		})
		all = all || every
	}
	if all {
		n.ignored("spec.match", key, "it lets all traffic pass", "remove it")
		return
	}
	n.unsupported("spec.match", key, whySwitches, hintPort)
}

// istioPlugin reads the fields that describe a module, in a WasmPlugin or a TrafficExtension.
type istioPlugin struct {
	*native
	path                       string
	sumKey, sum, pullKey, pull *node
}

func (p *istioPlugin) fields() fields {
	n := p.native
	at := func(name string) string { return join(p.path, name) }
	return fields{
		"url":             func(k, v *node) { n.moduleFrom(at("url"), k, v) },
		"sha256":          func(k, v *node) { p.sumKey, p.sum = k, v },
		"imagePullPolicy": func(k, v *node) { p.pullKey, p.pull = k, v },
		"imagePullSecret": func(k, v *node) { n.pullSecret(at("imagePullSecret"), k, v) },
		"verificationKey": func(k, v *node) { n.verificationKey(at("verificationKey"), k, v) },
		"pluginConfig": func(k, v *node) {
			if n.is(at("pluginConfig"), v, kindMap) {
				n.config(at("pluginConfig"), k, v)
			}
		},
		"pluginName": func(k, v *node) { n.put("rootId", k, v, at("pluginName")) },
		"failStrategy": func(k, v *node) {
			n.one("failurePolicy", at("failStrategy"), k, v,
				[2]string{"FAIL_CLOSE", "closed"}, [2]string{"FAIL_OPEN", "open"}, [2]string{"FAIL_RELOAD", "reload"})
		},
		"type": func(k, v *node) {
			n.one("type", at("type"), k, v,
				[2]string{"HTTP", "http"}, [2]string{"NETWORK", "network"}, [2]string{"UNSPECIFIED_PLUGIN_TYPE", "http"})
		},
		"vmConfig": func(_, v *node) {
			n.section(at("vmConfig"), v, fields{
				"env": func(k, v *node) { n.variables(at("vmConfig.env"), k, v) },
			})
		},
	}
}

// complete applies the fields that depend on others.
func (p *istioPlugin) complete(body *node) {
	n := p.native
	if body.kind != kindMap {
		return
	}
	if !n.has(join(p.path, "url")) {
		n.failf(CodeMissingField, body, "%s is missing", join(p.path, "url"))
	}
	n.digest(join(p.path, "sha256"), p.sumKey, p.sum)
	n.pullPolicy(join(p.path, "imagePullPolicy"), p.pullKey, p.pull)
}

// verificationKey takes the path of a file with a public key. Istio itself has the field and
// ignores it, but a key is a demand, so anything else is an error.
func (n *native) verificationKey(path string, key, v *node) {
	name, ok := n.filled(path, v)
	if !ok {
		return
	}
	isPath := strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/") ||
		strings.HasSuffix(name, ".pub") || strings.HasSuffix(name, ".pem")
	if !isPath || strings.ContainsAny(name, "\n") {
		n.unsupported(path, key, "it must name a file with the public key", "write the key into a file, as in "+path[strings.LastIndexByte(path, '.')+1:]+": ./cosign.pub")
		return
	}
	n.put("module.verify.keys", key, &node{kind: kindList, pos: v.pos, items: []*node{v}}, path)
}

// variables applies the environment variables of a VM.
func (n *native) variables(path string, key, v *node) {
	if !n.is(path, v, kindList) {
		return
	}
	own := &node{kind: kindMap, pos: v.pos}
	host := &node{kind: kindList, pos: v.pos}
	for i, item := range v.items {
		var name, value, from *node
		at := entryPath(path, i)
		n.section(at, item, fields{
			"name":      func(_, v *node) { name = v },
			"value":     func(_, v *node) { value = v },
			"valueFrom": func(_, v *node) { from = v },
		})
		switch {
		case item.kind != kindMap:
		case name == nil:
			n.failf(CodeMissingField, item, "%s.name is missing", at)
		case from != nil && choice(n.decoder, at+".valueFrom", from, "INLINE", "HOST") == "HOST":
			if value != nil {
				n.failf(CodeConflict, value, "%s.value has no meaning with valueFrom: HOST", at)
			}
			host.items = append(host.items, name)
		case value == nil:
			own.entries = append(own.entries, entry{key: name, value: text("", name)})
		default:
			own.entries = append(own.entries, entry{key: name, value: value})
		}
	}
	if len(own.entries) > 0 {
		n.put("vm.env", key, own, path)
	}
	if len(host.items) > 0 {
		n.put("vm.hostEnv", key, host, path)
	}
}
