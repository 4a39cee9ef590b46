package spec

import "strings"

// isManifestList recognizes a list of manifests: the kind List of Kubernetes, as kubectl prints it,
// and the list of a kind, as WasmPluginList.
func isManifestList(root *node) bool {
	kind, apiVersion := scalarAt(root, "kind"), scalarAt(root, "apiVersion")
	if kind == "List" {
		return apiVersion == "v1"
	}
	one, ok := strings.CutSuffix(kind, "List")
	return ok && kindOfManifest(apiVersion, one) != nil
}

// itemsOf returns the items of a list of manifests. The list's own fields say nothing about a
// filter.
func itemsOf(found *problems, root *node) []*node {
	items := root.at("items")
	switch {
	case items == nil:
		found.failf(CodeMissingField, root, "items is missing")
	case items.kind != kindList && items.kind != kindNull:
		found.failf(CodeWrongType, items, "items must be %s, not %s", kindList, items.kind)
	default:
		return items.items
	}
	return nil
}
