package spec

// readFilterDeployment reads the FilterDeployment of wasme.
func readFilterDeployment(f *foreign, root *node) {
	n := f.add(root)
	name := f.manifest(root, func(_, v *node) {
		n.section("spec", v, fields{
			"filter":     func(_, v *node) { readWasmeFilter(n, v) },
			"deployment": func(_, v *node) { readWasmeDeployment(n, v) },
		})
		if v.kind == kindMap && !n.has("spec.filter") {
			n.failf(CodeMissingField, v, "spec.filter is missing")
		}
	})
	n.setName(name, "metadata.name") // spec.filter.id goes first
}

func readWasmeFilter(n *native, filter *node) {
	const path = "spec.filter"
	n.section(path, filter, fields{
		"id": func(_, v *node) { n.setName(v, path+".id") },
		"image": func(k, v *node) {
			n.names["module"] = path + ".image"
			n.put("module.oci", k, v, path+".image")
		},
		"config": func(k, v *node) { n.anyConfig("config", path+".config", k, v) },
		"rootID": func(k, v *node) { n.put("rootId", k, v, path+".rootID") },
		"imagePullOptions": func(_, v *node) {
			const path = path + ".imagePullOptions"
			n.section(path, v, fields{
				"pullSecret":         func(k, v *node) { n.pullSecret(path+".pullSecret", k, v) },
				"insecureSkipVerify": func(k, v *node) { insecure(n, path+".insecureSkipVerify", k, v) },
				"plainHttp":          func(k, v *node) { insecure(n, path+".plainHttp", k, v) },
			})
		},
		"patchContext": func(k, _ *node) { n.ignored(path+".patchContext", k, whyTarget, hintTarget) },
	})
	if filter.kind == kindMap && !n.has(path+".image") {
		n.failf(CodeMissingField, filter, "%s.image is missing", path)
	}
}

// insecure notes that a document cannot weaken the connection to a registry.
func insecure(n *native, path string, key, v *node) {
	if n.boolean(path, v) {
		n.ignored(path, key, "only the operator chooses how registries are reached", "start it with --insecure-registry for this registry")
	}
}

func readWasmeDeployment(n *native, deployment *node) {
	const path = "spec.deployment.istio"
	n.section("spec.deployment", deployment, fields{
		"istio": func(_, v *node) {
			n.section(path, v, fields{
				"kind":           func(k, _ *node) { n.ignored(path+".kind", k, "an Envoy has no kind of workload", "") },
				"istioNamespace": func(k, _ *node) { n.ignored(path+".istioNamespace", k, "there is no Istio", "") },
				"labels": func(k, v *node) {
					if n.is(path+".labels", v, kindMap) && len(v.entries) > 0 {
						n.put("nodes.metadata", k, v, path+".labels")
					}
				},
			})
		},
	})
}
