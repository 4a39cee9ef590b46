package spec

// readEnvoyFilterManifest reads Istio's EnvoyFilter: the Wasm filters in its patches.
func readEnvoyFilterManifest(f *foreign, root *node) {
	w := &envoyWalk{foreign: f, known: map[string]bool{}}
	var labels *node
	f.manifest(root, func(_, v *node) {
		f.section("spec", v, fields{
			"workloadSelector": func(_, v *node) {
				f.section("spec.workloadSelector", v, fields{"labels": func(_, v *node) { labels = v }})
			},
			"targetRefs": func(k, _ *node) { f.ignored("spec.targetRefs", k, whyTarget, hintTarget) },
			"priority":   func(k, _ *node) { f.ignored("spec.priority", k, whyOrder, hintOrder) },
			"configPatches": func(_, v *node) {
				if !f.is("spec.configPatches", v, kindList) {
					return
				}
				for i, item := range v.items {
					w.patch(entryPath("spec.configPatches", i), item)
				}
			},
		})
	})
	w.complete(root, "this EnvoyFilter describes no Wasm filter")
	if labels == nil || !f.is("spec.workloadSelector.labels", labels, kindMap) || len(labels.entries) == 0 {
		return
	}
	for _, n := range f.filters {
		n.put("nodes.metadata", labels, labels, "spec.workloadSelector.labels")
	}
}

// patch reads the Wasm filters that a patch adds.
func (w *envoyWalk) patch(path string, item *node) {
	var apply, match, operation, value *node
	w.section(path, item, fields{
		"applyTo": func(_, v *node) { apply = v },
		"match":   func(k, _ *node) { match = k },
		"patch": func(_, v *node) {
			w.section(path+".patch", v, fields{
				"operation":   func(_, v *node) { operation = v },
				"filterClass": func(k, _ *node) { w.ignored(path+".patch.filterClass", k, whyOrder, hintOrder) },
				"value":       func(_, v *node) { value = v },
			})
		},
	})
	if item.kind != kindMap {
		return
	}
	before := len(w.filters)
	if value != nil && (operation == nil || operation.text != "REMOVE") {
		w.visit(path+".patch.value", value)
	}
	switch {
	case len(w.filters) > before && match != nil && apply != nil && apply.text != "EXTENSION_CONFIG":
		w.ignored(path+".match", match, whyTarget, hintTarget)
	case len(w.filters) == before:
		w.part = true
		w.ignored(path, item, "it adds no Wasm filter", "make the change in the configuration of Envoy itself")
	}
}
