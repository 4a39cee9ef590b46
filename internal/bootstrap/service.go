package bootstrap

// Service is a Wasm service, which Envoy runs from start to end.
type Service struct {
	Name string
	// Revision is the service's revision. The node's metadata have it, and so the control plane
	// knows which revision an Envoy runs.
	Revision string
	// Config is the WasmService as YAML in block style, from column 0 on.
	Config string
}
