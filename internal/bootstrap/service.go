package bootstrap

// Service is a Wasm service, which Envoy runs from its start to its end.
type Service struct {
	Name string
	// Revision is what the service is made of. The node's metadata have it, so that the control
	// plane knows which revision an Envoy runs.
	Revision string
	// Config is the WasmService as YAML in block style, from column 0 on.
	Config string
}
