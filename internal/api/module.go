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
}

// FromModule is the API's form of a module.
func FromModule(m snapshot.Module) Module {
	return Module{SHA256: m.SHA256, Size: m.Size, Reference: m.Reference, Digest: m.Digest}
}
