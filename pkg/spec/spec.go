package spec

import (
	"slices"
	"time"
)

// APIVersion is the only value of apiVersion.
const APIVersion = "wasm-xds/v1"

// Type says where in Envoy a module runs: in which of the filter chains, or beside them.
type Type string

// The filter types. The zero value of a decoded spec is [HTTP].
const (
	HTTP    Type = "http"
	Network Type = "network"
	// Service is a Wasm service: no filter, but a plugin without streams. Envoy runs the service
	// once, from start to end, because the bootstrap has the service. No control plane can deliver
	// a service.
	Service Type = "service"
)

// FailurePolicy decides about requests after the filter fails at run time. It also decides the
// stand-in that a control plane serves if no revision loads.
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

// OnRemove decides which filter Envoys get after the removal of a spec.
type OnRemove string

// The values of onRemove.
const (
	Keep        OnRemove = "keep"
	Passthrough OnRemove = "passthrough"
	Deny        OnRemove = "deny"
)

// Spec is one valid document. All defaults are filled in, except those of Delivery and VM.ID, which
// belong to the server and to the translation. A decoded Spec is immutable.
type Spec struct {
	Name       string
	Type       Type
	Module     Module
	RootID     string
	Config     *string // plugin configuration, as the module gets it; nil: none, or in the file of ConfigFrom
	ConfigFrom *FileRef
	ConfigType ConfigType // of Config or of the file of ConfigFrom; "": by the content
	ConfigPos  Position   // of Config
	Policy     FailurePolicy
	Delivery   Delivery // "": the server's default
	VM         VM
	// ReloadBackoff is the pause before Envoy replaces a failed VM. It is 0 unless the policy is
	// Reload.
	ReloadBackoff time.Duration
	// AllowOnHeadersStopIteration needs Envoy 1.35 or later; nil leaves Envoy's default.
	AllowOnHeadersStopIteration *bool
	Capabilities                []string // nil: unrestricted, empty: none; sorted
	// AutoCapabilities allows exactly the imports of the module; Capabilities is then nil.
	AutoCapabilities bool
	// AcceptLoss names the settings that may be without effect on Envoys that are too old for them.
	// An Envoy that is too old for any other setting does not get the filter. The list is sorted,
	// and is no part of the revision.
	AcceptLoss []Setting
	Nodes      NodeSelector
	Canary     Canary
	Rollout    Rollout // the remaining section rollout
	// HealthFiles are the files that Rollout names: the credentials for a Prometheus server.
	HealthFiles []*FileRef
	OnRemove    OnRemove
	Disabled    bool
	Tests       []Test // no part of the revision
	Limits      Limits // the same
	// Build is the shell command that writes the file of Module, run in the directory of File. A
	// control plane never runs it, and it is no part of the revision. "" means the project's
	// own files show how to build the module.
	Build string
	// NoSmoke keeps the sandbox from sending a plain request through a filter without
	// tests (smoke: off). It is no part of the revision.
	NoSmoke bool
	// Part says the document describes more than filters: the configuration of an Envoy, say.
	Part bool
	// Notes are notices from decoding; they refuse nothing. [Spec.Notices] returns them and more.
	Notes []Error

	// File is the document's file, as the source named it. Line is the document's first line,
	// 1-based.
	File string
	Line int
}

// Module names the Wasm bytes. Exactly one of File, URL and OCI is set.
type Module struct {
	File   *FileRef
	URL    string
	OCI    Reference // of the bytes; lowercase hex; "" if the spec has none
	SHA256 string    // of the bytes; lowercase hex; "" when the spec names none
	// Refresh is the time between two looks at OCI's tag; 0 means a single look.
	Refresh    time.Duration
	PullSecret *FileRef // the registry's credentials; nil: the user's own
	Verify     Verify   // the required signatures and attestations
	// Bundled means that File came with the spec in a bundle. Its signature covers both. No
	// document can set it.
	Bundled bool
	Pos     Position // of the module's reference, for errors of the resolver
}

// Verify has the required signatures and attestations of a module. A signature by any of the keys
// and identities is enough. The zero value requires no signature.
type Verify struct {
	// Keys are files with public keys.
	Keys []*FileRef
	// Identities are the owners of short-lived certificates, as cosign uses them without a key.
	Identities []Identity
	// TrustedRoot is the file with the certificate authorities and transparency logs by which
	// Identities are proved. nil means the server's own file.
	TrustedRoot *FileRef
	// Attestations must all be there, each signed by any of Keys and Identities.
	Attestations []Attestation
}

// Identity is the owner of a certificate. Of each pair exactly one field is set.
type Identity struct {
	Subject       string // the email address or URI in the certificate
	SubjectRegExp string // in Go's syntax; it may match any part of the subject
	Issuer        string // the OpenID Connect issuer that vouched for the subject
	IssuerRegExp  string // in Go's syntax; it may match any part of the issuer
	Pos           Position
}

// Attestation is a signed statement about a module, for example its SBOM.
type Attestation struct {
	Type string // the predicate type, a URI
	As   string // as in the spec: Type, or cosign's short name of it
	Pos  Position
}

// Signed reports whether v asks for a signature.
func (v *Verify) Signed() bool { return len(v.Keys)+len(v.Identities) > 0 }

// Refs returns the files that v names.
func (v *Verify) Refs() []*FileRef {
	refs := slices.Clone(v.Keys)
	if v.TrustedRoot != nil {
		refs = append(refs, v.TrustedRoot)
	}
	return refs
}

// Files returns the paths of the files that v names.
func (v *Verify) Files() []string {
	var paths []string
	for _, ref := range v.Refs() {
		paths = append(paths, ref.Path)
	}
	return paths
}

// SignatureSuffixes follow a module's file name in the file names of its signatures.
func SignatureSuffixes() []string { return []string{".sig", ".sigstore.json", ".bundle"} }

// AttestationSuffix follows a module's file name in the name of the file with its attestations,
// one sigstore bundle on each line.
const AttestationSuffix = ".intoto.jsonl"

// SignatureFiles returns the possible files with signatures and attestations of File, whether or
// not they exist.
func (m Module) SignatureFiles() []string {
	if m.File == nil {
		return nil
	}
	var files []string
	for _, suffix := range SignatureSuffixes() {
		files = append(files, m.File.Path+suffix)
	}
	return append(files, m.File.Path+AttestationSuffix)
}

// Files returns the paths of all files that matter for the spec, whether or not they exist: the
// files that the spec names, and the signatures of its module if a signature is required, by the
// spec itself or by others (signed).
func (s *Spec) Files(signed bool) []string {
	var paths []string
	for _, ref := range s.refs() {
		paths = append(paths, ref.Path)
	}
	if signed || s.Module.Verify.Signed() {
		paths = append(paths, s.Module.SignatureFiles()...)
	}
	return paths
}

// refs returns all files that the spec names.
func (s *Spec) refs() []*FileRef {
	named := s.Module.Files()
	if s.ConfigFrom != nil {
		named = append(named, s.ConfigFrom)
	}
	return named
}

// Files returns the files that the section names.
func (m Module) Files() []*FileRef {
	named := append([]*FileRef{m.File, m.PullSecret}, m.Verify.Refs()...)
	return slices.DeleteFunc(named, func(ref *FileRef) bool { return ref == nil })
}

// Bound sets the bounds of all files that the spec names. It is for the source of the spec, before
// anybody else has the spec.
func (s *Spec) Bound(b *Bounds) {
	for _, ref := range append(s.refs(), s.HealthFiles...) {
		ref.Bounds = b
	}
	s.Rollout.bound(b)
}

// FileRef is a file that a spec names.
type FileRef struct {
	Path string // absolute
	As   string // as in the spec
	Pos  Position
	// Bounds are the places that Path may lead to. nil means every place. Decoding leaves it nil.
	Bounds *Bounds
}

// VM is the vm section.
type VM struct {
	ID               string     // "": an id of the filter's own
	Runtime          string     // "": the filter's own id
	Config           *string    // as the module gets it
	ConfigType       ConfigType // of Config; "": by its content
	Env              map[string]string
	HostEnv          []string // sorted
	AllowPrecompiled bool
}

// Canary selects the Envoys that get a new revision first. Exactly one field is used: Selector if
// it is not nil, else Percent if it is above 0, else Count (0: all at once). Without rollout in the
// spec, Count is 1.
type Canary struct {
	Count    int
	Percent  int // 1 to 100
	Selector *NodeSelector
}

// Limits bounds the cost of the filter in the sandbox, which refuses a filter beyond a limit. The
// zero value limits nothing.
type Limits struct {
	// TimePerRequest bounds the filter's own time for the costliest request of the tests; 0: no
	// limit.
	TimePerRequest time.Duration
	// Memory bounds the size of the linear memory, in bytes; 0: no limit.
	Memory int64
	// TimePos and MemoryPos are the positions of the limits, for errors.
	TimePos, MemoryPos Position
}
