package api

// About describes the server, as GET /api/v1/version does.
type About struct {
	Version string `json:"version"` // of wasm-xds: a tag, or the version that Go recorded
	API     string `json:"api"`     // v1
	Go      string `json:"go"`
}

// Index lists the endpoints of the API, as GET /api/v1 does.
type Index struct {
	About
	OpenAPI   string     `json:"openapi"` // where the OpenAPI document is
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is a method at a path. A path may have {name}.
type Endpoint struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	Summary string `json:"summary"`
}

// RollbackBody is the body of a rollback.
type RollbackBody struct {
	// Revision is a revision's id or the first digits of the id; "": the server chooses.
	Revision string `json:"revision,omitempty"`
	// Pin has the rollback hold until it is unpinned. Otherwise the next edit of the spec ends it.
	Pin bool `json:"pin,omitempty"`
}

// RevisionBody is the body of a retry.
type RevisionBody struct {
	// Revision is a revision's id or the first digits of the id; "": the server chooses.
	Revision string `json:"revision,omitempty"`
}
