package spec

import "strings"

// foreignKind is a kind of document of another system that describes filters.
type foreignKind struct {
	name  string // as in the document
	group string // of apiVersion, without the version; "" for documents of Envoy
	read  func(f *foreign, root *node)
}

// foreignKinds are the manifests that [Decode] reads, in the order of the documentation.
func foreignKinds() []foreignKind {
	return []foreignKind{
		{"WasmPlugin", "extensions.istio.io", readWasmPlugin},
		{"TrafficExtension", "extensions.istio.io", readTrafficExtension},
		{"EnvoyExtensionPolicy", "gateway.envoyproxy.io", readExtensionPolicy},
		{"FilterDeployment", "wasme.io", readFilterDeployment},
	}
}

// ForeignKinds returns the kinds of manifests of other systems that [Decode] reads as specs.
func ForeignKinds() []string {
	var names []string
	for _, one := range foreignKinds() {
		names = append(names, one.name)
	}
	return names
}

// foreignOf returns the kind of a document of another system, or nil for any other document.
func foreignOf(root *node) *foreignKind {
	group, _, _ := strings.Cut(scalarAt(root, "apiVersion"), "/")
	for _, one := range foreignKinds() {
		if group == one.group && scalarAt(root, "kind") == one.name {
			return &one
		}
	}
	if isEnvoy(root) {
		return &foreignKind{name: "Envoy", read: readEnvoy}
	}
	return nil
}
