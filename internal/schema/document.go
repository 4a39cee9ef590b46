package schema

// Spec describes a filter of Envoy: its Wasm module, its configuration, the Envoys that get it,
// and the behaviour when something goes wrong.
type Spec struct {
	// APIVersion is the version of the format.
	APIVersion string `json:"apiVersion" enum:"wasm-xds/v1"`
	// Name is the name by which Envoys ask for the filter. The default is the name of the file.
	Name string `json:"name" pattern:"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$" maxLength:"253" examples:"[\"auth\",\"team-a/auth\"]"`
	// Type says in which of Envoy's chains the filter runs: http, or network for TCP connections. A
	// service runs beside the filters, and stands in Envoy's bootstrap.
	Type string `json:"type" enum:"http|network|service" default:"\"http\""`
	// Module is the Wasm module.
	Module Module `json:"module" required:"true"`
	// RootID is the name of the root context, for modules with several.
	RootID string `json:"rootId"`
	// Config is the configuration that the module reads in proxy_on_configure: text, or any value,
	// which becomes compact JSON.
	Config any `json:"config" examples:"[{\"realm\":\"prod\"}]"`
	// ConfigFrom is a file with the configuration, in the place of config.
	ConfigFrom ConfigFrom `json:"configFrom"`
	// ConfigType is the message in which the configuration travels to Envoy.
	ConfigType string `json:"configType" enum:"string|struct|bytes"`
	// FailurePolicy says what happens to requests after the filter has failed: closed refuses them,
	// open lets them pass, and reload starts the filter again.
	FailurePolicy string `json:"failurePolicy" enum:"closed|open|reload" default:"\"closed\""`
	// ReloadBackoff is the pause before Envoy replaces a failed VM, with failurePolicy reload.
	ReloadBackoff Duration `json:"reloadBackoff" default:"\"1s\""`
	// Delivery says how the bytes of the module reach an Envoy. The default is that of the server.
	Delivery string `json:"delivery" enum:"remote|inline|file"`
	// VM is the virtual machine in which the module runs.
	VM VM `json:"vm"`
	// AllowOnHeadersStopIteration says whether the filter may stop the iteration over headers. It
	// is for type http, and true needs Envoy 1.35.
	AllowOnHeadersStopIteration bool `json:"allowOnHeadersStopIteration"`
	// Capabilities are the host functions that the module may call.
	Capabilities Capabilities `json:"capabilities"`
	// AcceptLoss names settings that may be without effect on Envoys that are too old for them.
	AcceptLoss []string `json:"acceptLoss" enum:"failurePolicy|allowOnHeadersStopIteration|capabilities|vm.env|vm.hostEnv" minItems:"1"`
	// Nodes selects the Envoys that get the filter. The default is every Envoy that asks.
	Nodes Nodes `json:"nodes"`
	// Rollout says how a new revision gets to all Envoys.
	Rollout Rollout `json:"rollout"`
	// Build is the shell command that makes the file of the module, run in the directory of the
	// spec. A server never runs it.
	Build string `json:"build" minLength:"1" examples:"[\"cargo build --release --target wasm32-wasip1\"]"`
	// Limits bound the time and memory of the filter in the sandbox.
	Limits Limits `json:"limits"`
	// Smoke is off to keep the sandbox from sending a plain request through a filter without tests.
	Smoke Smoke `json:"smoke" default:"\"on\""`
	// OnRemove says what Envoys get after the spec is removed.
	OnRemove string `json:"onRemove" enum:"keep|passthrough|deny"`
	// Disabled replaces the filter by one that lets everything pass.
	Disabled bool `json:"disabled" default:"false"`
	// Tests are requests or connections with their expected results, which run before the filter is
	// served.
	Tests []Test `json:"tests" maxItems:"200"`
}

// Module names the Wasm module: exactly one of file, url and oci.
type Module struct {
	_ rule `exactlyOne:"file|url|oci" needs:"url=sha256"`
	// File is a path, relative to the spec.
	File string `json:"file" minLength:"1" examples:"[\"./auth.wasm\"]"`
	// URL is an http or https URL. It needs sha256.
	URL string `json:"url" pattern:"^https?://" examples:"[\"https://example.com/auth.wasm\"]"`
	// OCI is an image in a registry, with a tag or a digest.
	OCI string `json:"oci" minLength:"1" examples:"[\"ghcr.io/team/auth:1.4\"]"`
	// SHA256 is the digest of the module's bytes.
	SHA256 SHA256 `json:"sha256"`
	// Refresh is the time between two looks at a tag in a registry.
	Refresh Duration `json:"refresh" examples:"[\"5m\"]"`
	// PullSecret is a file with the credentials for the registry.
	PullSecret string `json:"pullSecret" minLength:"1"`
	// Verify names the required signatures and attestations.
	Verify Verify `json:"verify"`
}

// SHA256 has 64 hexadecimal digits. YAML takes a digest of digits only for a number.
type SHA256 struct {
	OneOf
	Text   string `pattern:"^[0-9a-fA-F]{64}$"`
	Number int
}

// Verify names the required signatures and attestations: a signature by any of the keys and
// identities is enough, and each attestation must be there.
type Verify struct {
	// Keys are files with public keys.
	Keys []string `json:"keys" minItems:"1"`
	// Identities are the owners of short-lived certificates.
	Identities []Identity `json:"identities" minItems:"1"`
	// TrustedRoot is a file with the trusted root of Sigstore that proves the identities.
	TrustedRoot string `json:"trustedRoot" minLength:"1"`
	// Attestations are the types of the required attestations.
	Attestations []Attestation `json:"attestations" minItems:"1"`
}

// Identity is the owner of a certificate: subject or subjectRegExp, and issuer or issuerRegExp.
type Identity struct {
	_ rule `exactlyOne:"subject|subjectRegExp"`
	_ rule `exactlyOne:"issuer|issuerRegExp"`
	// Subject is the email address or URI in the certificate.
	Subject string `json:"subject" minLength:"1"`
	// SubjectRegExp matches the subject, in Go's syntax.
	SubjectRegExp string `json:"subjectRegExp" minLength:"1"`
	// Issuer is the OpenID Connect issuer that vouches for the subject.
	Issuer string `json:"issuer" minLength:"1"`
	// IssuerRegExp matches the issuer, in Go's syntax.
	IssuerRegExp string `json:"issuerRegExp" minLength:"1"`
}

// Attestation is a short name of cosign's, or the URI of a predicate type.
type Attestation struct {
	OneOf
	Name  string `minLength:"1" examples:"[\"slsaprovenance1\",\"spdxjson\"]"`
	Typed AttestationType
}

// AttestationType is an attestation as a mapping.
type AttestationType struct {
	// Type is a short name of cosign's, or the URI of a predicate type.
	Type string `json:"type" required:"true" minLength:"1"`
}

// ConfigFrom names a file with the configuration.
type ConfigFrom struct {
	// File is a path, relative to the spec.
	File string `json:"file" required:"true" minLength:"1" examples:"[\"./config.json\"]"`
}

// VM is the virtual machine in which the module runs.
type VM struct {
	// ID is the scope of shared data and queues. The default is an id of the filter's own.
	ID string `json:"id" minLength:"1"`
	// Runtime is Envoy's engine for Wasm.
	Runtime Runtime `json:"runtime" default:"\"v8\""`
	// Config is the configuration of the VM, for proxy_on_vm_start.
	Config any `json:"config"`
	// ConfigType is the message in which the configuration travels to Envoy.
	ConfigType string `json:"configType" enum:"string|struct|bytes"`
	// Env are environment variables. Numbers and booleans need quotes.
	Env map[string]string `json:"env"`
	// HostEnv names variables of Envoy's own environment that the module gets.
	HostEnv []string `json:"hostEnv" minItems:"1"`
	// AllowPrecompiled says whether Envoy may run native code that the module carries.
	AllowPrecompiled bool `json:"allowPrecompiled" default:"false"`
}

// Runtime is v8, wamr, wasmtime, null, or a full name like envoy.wasm.runtime.v8.
type Runtime struct {
	OneOf
	Name string `pattern:"^(v8|wamr|wasmtime|null|envoy\\.wasm\\.runtime\\.[a-z0-9_.]+)$"`
	Null null
}

// Capabilities are a list of functions, or auto: exactly the imports of the module.
type Capabilities struct {
	OneOf
	Names []string
	Auto  string `enum:"auto"`
}

// Smoke is on or off. Some writers of YAML turn the words into booleans.
type Smoke struct {
	OneOf
	Word    string `enum:"on|off"`
	Boolean bool
}

// Limits bound the cost of the filter in the sandbox.
type Limits struct {
	// TimePerRequest is the time that a request of the tests may spend in the filter, from 1us to
	// 1s.
	TimePerRequest Duration `json:"timePerRequest" examples:"[\"1ms\"]"`
	// Memory is the size of the filter's linear memory, from 64Ki to 1Gi.
	Memory Bytes `json:"memory"`
}
