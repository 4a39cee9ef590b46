// Package spec is the document a user writes: its types, strict decoding with
// positions, and validation. It knows neither Envoy nor xDS.
package spec

import "time"

// APIVersion is the only value that a document's apiVersion may have.
const APIVersion = "wasm-xds/v1"

// Type says which of Envoy's filter chains a filter lives in.
type Type string

// The filter types. The zero value of a decoded spec is [HTTP].
const (
	HTTP    Type = "http"
	Network Type = "network"
)

// FailurePolicy says what Envoy does with requests when the filter fails at
// run time, and what a control plane serves when it has nothing that loads.
type FailurePolicy string

// The failure policies, named after Envoy's FAIL_CLOSED, FAIL_OPEN and FAIL_RELOAD.
const (
	Closed FailurePolicy = "closed"
	Open   FailurePolicy = "open"
	Reload FailurePolicy = "reload"
)

// Delivery says how the module's bytes reach an Envoy.
type Delivery string

// The delivery modes. "" means the server's own default.
const (
	Remote Delivery = "remote" // Envoy fetches the module over HTTP
	Inline Delivery = "inline" // the bytes are in the xDS resource
	File   Delivery = "file"   // Envoy reads the module store's file
)

// OnRemove says what Envoys get when a spec goes away.
type OnRemove string

// What a removed filter leaves behind.
const (
	Keep        OnRemove = "keep"
	Passthrough OnRemove = "passthrough"
	Deny        OnRemove = "deny"
)

// Spec is one valid document, with every default filled in except Delivery and
// VM.ID, whose defaults belong to the server and to the translation.
// A Spec is immutable once decoded.
type Spec struct {
	Name       string
	Type       Type
	Module     Module
	RootID     string
	Config     *string // plugin configuration, as the module gets it; nil: none; inline configurations only
	ConfigFrom *FileRef
	ConfigType ConfigType // of Config or of what ConfigFrom names; "": by its content
	ConfigPos  Position   // of Config
	Policy     FailurePolicy
	Delivery   Delivery // "": the server's default
	VM         VM
	// ReloadBackoff is the pause before a failed VM is made anew; with policy Reload only, else 0.
	ReloadBackoff time.Duration
	// AllowOnHeadersStopIteration needs Envoy 1.35 or later; nil leaves Envoy's default.
	AllowOnHeadersStopIteration *bool
	Capabilities                []string // nil: unrestricted, empty: none; sorted
	// AutoCapabilities means exactly what the module imports; Capabilities is nil then.
	AutoCapabilities bool
	Nodes            NodeSelector
	Canary           Canary
	OnRemove         OnRemove
	Disabled         bool
	Tests            []Test // no part of the revision
	Limits           Limits // the same
	// NoSmoke keeps the sandbox from sending a plain request through a filter without
	// tests (smoke: off). It is no part of the revision.
	NoSmoke bool
	// Notes are what the document's writer should know and what refuses nothing: see
	// [Spec.Notices], which has more of it.
	Notes []Error

	// File is the document's file as the source named it; Line is where the document begins, 1-based.
	File string
	Line int
}

// Module names the Wasm bytes. Exactly one of File, URL and OCI is set.
type Module struct {
	File   *FileRef
	URL    string
	OCI    Reference // zero: not from a registry
	SHA256 string    // of the bytes; lowercase hex; "" when the spec names none
	// Refresh is the time between two looks at where OCI's tag leads; 0: it is looked
	// at once.
	Refresh    time.Duration
	PullSecret *FileRef // the registry's credentials; nil: those of the user
	// Keys are files with public keys, by one of which the module must be signed;
	// nil: the spec does not ask for a signature.
	Keys []*FileRef
	// Bundled says that File came with the spec in one signed whole, if that is signed;
	// no document says so.
	Bundled bool
	Pos     Position // of the module's reference, for errors that resolving it finds
}

// SignatureSuffixes are what comes after the name of a module in the names of
// signatures beside it.
func SignatureSuffixes() []string { return []string{".sig", ".sigstore.json", ".bundle"} }

// SignatureFiles are the files that signatures of File may be in, whether they are there or not.
func (m Module) SignatureFiles() []string {
	if m.File == nil {
		return nil
	}
	var files []string
	for _, suffix := range SignatureSuffixes() {
		files = append(files, m.File.Path+suffix)
	}
	return files
}

// Files are the paths of all files that matter for the spec, whether they are there or not:
// those that it names, and those with signatures where its module must be signed, by its own keys
// or by others (signed).
func (s *Spec) Files(signed bool) []string {
	var paths []string
	for _, ref := range append([]*FileRef{s.Module.File, s.Module.PullSecret, s.ConfigFrom}, s.Module.Keys...) {
		if ref != nil {
			paths = append(paths, ref.Path)
		}
	}
	if signed || len(s.Module.Keys) > 0 {
		paths = append(paths, s.Module.SignatureFiles()...)
	}
	return paths
}

// FileRef is a file that a spec names.
type FileRef struct {
	Path string // absolute
	As   string // as written
	Pos  Position
}

// VM is the vm section.
type VM struct {
	ID               string     // "": an id of the filter's own
	Runtime          string     // full extension name, envoy.wasm.runtime.v8 by default
	Config           *string    // as the module gets it
	ConfigType       ConfigType // of Config; "": by its content
	Env              map[string]string
	HostEnv          []string // sorted
	AllowPrecompiled bool
}

// NodeSelector selects Envoys: all keys that are set must match, any value
// within a key does. The zero value selects every Envoy.
type NodeSelector struct {
	IDs      []string
	Clusters []string
	Metadata map[string]string // compared with the node's metadata as text
}

// Canary says which Envoys get a new revision first. Exactly one field is in
// use: Selector when non-nil, else Percent when > 0, else Count (0: all at once).
// A spec that says nothing decodes to Count 1.
type Canary struct {
	Count    int
	Percent  int // 1 to 100
	Selector *NodeSelector
}

// Limits are what the filter may cost in the sandbox; beyond them it is refused.
// The zero value limits nothing.
type Limits struct {
	// TimePerRequest is for the filter's own part of the costliest request of the tests; 0: no limit.
	TimePerRequest time.Duration
	// Memory is for the size of the linear memory, in bytes; 0: no limit.
	Memory int64
	// TimePos and MemoryPos are where the limits stand, for errors about them.
	TimePos, MemoryPos Position
}

// Position is a place in a file; Line and Column are 1-based, 0 when unknown.
type Position struct {
	File   string
	Line   int
	Column int
}

// Error is one problem of one document, worded for the person who wrote it.
type Error struct {
	Code    string // stable, snake_case: "unknown_field", "bad_yaml", "module_missing", …
	Message string
	Hint    string // the next step; may be empty
	Name    string // the filter that the document describes, when known
	Pos     Position
}
