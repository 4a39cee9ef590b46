package spec

import "strconv"

// readExtensionPolicy reads the Wasm extensions of Envoy Gateway's EnvoyExtensionPolicy.
func readExtensionPolicy(f *foreign, root *node) {
	var wasm *node
	ignored := func(name, why, hint string) func(k, _ *node) {
		return func(k, _ *node) { f.ignored("spec."+name, k, why, hint) }
	}
	other := func(name string) func(k, v *node) {
		return func(k, v *node) {
			if v.kind == kindList && len(v.items) == 0 {
				return
			}
			f.part = true
			f.ignored("spec."+name, k, "it describes filters other than Wasm", "write them into Envoy's own configuration")
		}
	}
	name := f.manifest(root, func(_, v *node) {
		f.section("spec", v, fields{
			"targetRef":       ignored("targetRef", whyTarget, hintTarget),
			"targetRefs":      ignored("targetRefs", whyTarget, hintTarget),
			"targetSelectors": ignored("targetSelectors", whyTarget, hintTarget),
			"priority":        ignored("priority", whyOrder, hintOrder),
			"mergeType":       ignored("mergeType", "there is no parent policy", ""),
			"backends":        ignored("backends", "a spec describes no clusters", "write the clusters into Envoy's own configuration"),
			"extProc":         other("extProc"),
			"lua":             other("lua"),
			"dynamicModule":   other("dynamicModule"),
			"wasm":            func(_, v *node) { wasm = v },
		})
		if v.kind == kindMap && (wasm == nil || wasm.kind == kindList && len(wasm.items) == 0) {
			f.fail(&Error{
				Code: CodeForeignUnsupported, Message: "this policy describes no Wasm filter",
				Hint: "move it out of this directory, or give it spec.wasm", Pos: root.pos,
			})
		}
	})
	if wasm == nil || !f.is("spec.wasm", wasm, kindList) {
		return
	}
	for i, item := range wasm.items {
		n := f.addEntry(item)
		if name != nil {
			n.defaultName = name.text
			if len(wasm.items) > 1 {
				n.defaultName += "-" + strconv.Itoa(i)
			}
		}
		readExtension(n, entryPath("spec.wasm", i), item)
	}
}

// readExtension reads one Wasm extension of a policy.
func readExtension(n *native, path string, item *node) {
	at := func(name string) string { return join(path, name) }
	n.section(path, item, fields{
		"name":   func(_, v *node) { n.setName(v, at("name")) },
		"rootID": func(k, v *node) { n.put("rootId", k, v, at("rootID")) },
		"config": func(k, v *node) { n.config(at("config"), k, v) },
		"failOpen": func(k, v *node) {
			policy := "closed"
			if n.boolean(at("failOpen"), v) {
				policy = "open"
			}
			n.put("failurePolicy", k, text(policy, v), at("failOpen"))
		},
		"env": func(_, v *node) {
			n.section(at("env"), v, fields{
				"hostKeys": func(k, v *node) {
					if n.is(at("env.hostKeys"), v, kindList) && len(v.items) > 0 {
						n.put("vm.hostEnv", k, v, at("env.hostKeys"))
					}
				},
			})
		},
		"code": func(_, v *node) { readCode(n, at("code"), v) },
	})
	if item.kind == kindMap && !n.has(at("code")) {
		n.failf(CodeMissingField, item, "%s is missing", at("code"))
	}
}

// readCode reads the source of a module.
func readCode(n *native, path string, code *node) {
	at := func(name string) string { return join(path, name) }
	var kind, sumKey, sum, pullKey, pull *node
	sumAt := at("sha256")
	source := func(name string, more fields) func(_, v *node) {
		return func(_, v *node) {
			if sum == nil {
				sumAt = at(name + ".sha256")
			}
			known := fields{
				"url":    func(k, v *node) { moduleOf(n, name, at(name+".url"), k, v) },
				"sha256": func(k, v *node) { sumKey, sum, sumAt = k, v, at(name+".sha256") },
				"tls": func(k, _ *node) {
					n.unsupported(at(name+".tls"), k, "a spec names no certificate authorities for the server of its module",
						"add the authority to those of the machine, and remove the field")
				},
			}
			for field, read := range more {
				known[field] = read
			}
			n.section(at(name), v, known)
			if v.kind == kindMap && !n.has(at(name+".url")) {
				n.failf(CodeMissingField, v, "%s is missing", at(name+".url"))
			}
		}
	}
	n.section(path, code, fields{
		"type": func(_, v *node) { kind = v },
		"http": source("http", nil),
		"image": source("image", fields{
			"pullSecretRef": func(_, v *node) { readSecretRef(n, at("image.pullSecretRef"), v) },
		}),
		"sha256":     func(k, v *node) { sumKey, sum, sumAt = k, v, at("sha256") }, // of Envoy Gateway 1.1
		"pullPolicy": func(k, v *node) { pullKey, pull = k, v },
	})
	if code.kind != kindMap {
		return
	}
	checkCode(n, path, code, kind)
	n.digest(sumAt, sumKey, sum)
	n.pullPolicy(at("pullPolicy"), pullKey, pull)
}

// checkCode checks that the type and the source of a module agree.
func checkCode(n *native, path string, code, kind *node) {
	http, image := n.has(join(path, "http")), n.has(join(path, "image"))
	if kind == nil {
		n.failf(CodeMissingField, code, "%s.type is missing", path)
		return
	}
	switch choice(n.decoder, join(path, "type"), kind, "HTTP", "Image") {
	case "HTTP":
		if !http || image {
			n.failf(CodeConflict, kind, "%s.type is HTTP, which needs http and no image", path)
		}
	case "Image":
		if !image || http {
			n.failf(CodeConflict, kind, "%s.type is Image, which needs image and no http", path)
		}
	}
}

// moduleOf applies a URL of the source's own kind.
func moduleOf(n *native, source, path string, key, v *node) {
	if source == "http" {
		n.names["module"] = path
		n.put("module.url", key, v, path)
		return
	}
	n.moduleFrom(path, key, v)
}

// readSecretRef reads a reference to a secret: a file with its name.
func readSecretRef(n *native, path string, ref *node) {
	n.section(path, ref, fields{
		"group": func(_, _ *node) {},
		"kind":  func(_, v *node) { choice(n.decoder, path+".kind", v, "Secret") },
		"name":  func(k, v *node) { n.pullSecret(path+".name", k, v) },
		"namespace": func(k, _ *node) {
			n.ignored(path+".namespace", k, "the name is that of a file beside the document", "")
		},
	})
}
