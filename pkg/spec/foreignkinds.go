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
		{"EnvoyFilter", "networking.istio.io", readEnvoyFilterManifest},
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
	if kind := kindOfManifest(scalarAt(root, "apiVersion"), scalarAt(root, "kind")); kind != nil {
		return kind
	}
	if isEnvoy(root) {
		return &foreignKind{name: "Envoy", read: readEnvoy}
	}
	return nil
}

func kindOfManifest(apiVersion, kind string) *foreignKind {
	group, _, _ := strings.Cut(apiVersion, "/")
	for _, one := range foreignKinds() {
		if group == one.group && kind == one.name {
			return &one
		}
	}
	return nil
}
