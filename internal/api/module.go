package api

import "github.com/wasm-xds/wasm-xds/pkg/snapshot"

// Module names a filter's Wasm bytes.
type Module struct {
	SHA256 string `json:"sha256"` // lowercase hex; "": unknown
	Size   int64  `json:"size"`   // bytes
	// Reference is the module's name in a registry, as in the spec. Digest is the digest of the
	// reference's manifest or index. Both are "" for modules from elsewhere.
	Reference string `json:"reference,omitempty"`
	Digest    string `json:"digest,omitempty"`
	// TagDigest is the present digest of Reference's tag, in the last answer of the registry; "":
	// the same as Digest, or unknown. Without module.refresh, a filter stays with
	// Digest.
	TagDigest string `json:"tagDigest,omitempty"`
	// Signatures are those by which the module was accepted. Absent: none was asked for, or the
	// module came in a signed bundle.
	Signatures []Signature `json:"signatures,omitempty"`
	// Imports are the functions that the module imports, as env.proxy_log, sorted. Cost is the cost
	// of a request in the sandbox. Both are in a history alone; absent: not known.
	Imports []string    `json:"imports,omitempty"`
	Cost    *ModuleCost `json:"cost,omitempty"`
}

// ModuleCost is the cost of a filter in the sandbox, without Envoy's own part of a request.
type ModuleCost struct {
	Requests      int     `json:"requests"` // that were measured
	MedianSeconds float64 `json:"medianSeconds"`
	P99Seconds    float64 `json:"p99Seconds"`
	// HostCallsPerRequest is the number of calls of host functions in a request, on average.
	HostCallsPerRequest float64 `json:"hostCallsPerRequest"`
	// MemoryBytes is the linear memory after the requests, and GrowthBytesPerRequest the memory for
	// each further request.
	MemoryBytes           int64   `json:"memoryBytes"`
	GrowthBytesPerRequest float64 `json:"growthBytesPerRequest"`
}

// FromModule is the API's form of a module.
func FromModule(m snapshot.Module) Module {
	return Module{SHA256: m.SHA256, Size: m.Size, Reference: m.Reference, Digest: m.Digest}
}
