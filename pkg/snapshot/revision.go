package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Revision is an immutable content of a filter: everything that reaches Envoy, and nothing else.
// Equal contents have equal IDs, on every machine and in every release of wasm-xds.
type Revision struct {
	ID     string    `json:"id"` // 12 hex digits, see [Revision.Seal]
	Filter string    `json:"filter"`
	Type   spec.Type `json:"type"`
	Module Module    `json:"module"`
	RootID string    `json:"rootId,omitempty"`
	Config *string   `json:"config,omitempty"` // plugin configuration in the form for the module; nil: none
	// ConfigType is struct or bytes. "" means string.
	ConfigType spec.ConfigType    `json:"configType,omitempty"`
	Policy     spec.FailurePolicy `json:"policy"`
	Backoff    time.Duration      `json:"backoff,omitempty"` // nanoseconds; policy reload only
	// AllowOnHeadersStopIteration is nil for Envoy's default.
	AllowOnHeadersStopIteration *bool    `json:"allowOnHeadersStopIteration,omitempty"`
	Capabilities                []string `json:"capabilities"` // null: unrestricted; sorted
	VM                          VM       `json:"vm"`
	// BuiltIn marks a stand-in, which wasm-xds makes itself.
	BuiltIn bool `json:"builtIn,omitempty"`
	// Code is the module of a stand-in, which is not in the store. nil for all other revisions.
	// Code is not part of the content.
	Code []byte `json:"-"`
	// Refusals are the versions of Envoy that would not load the revision. Refusals follow from the
	// content and the sandbox's knowledge, so they are not part of the content.
	Refusals []Refusal `json:"refusals,omitempty"`
}

// Module identifies Wasm bytes. SHA256 is in lowercase hex, Size in bytes. The other fields
// describe the origin in a registry, and are not part of a revision's ID.
type Module struct {
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	Reference string `json:"reference,omitempty"` // as in the spec; "": not from a registry
	Digest    string `json:"digest,omitempty"`    // of the manifest or index to which Reference pointed
	// RootID is from the image's configuration, or "". See module.Complete.
	RootID string `json:"-"`
}

// FromSpec returns the revision of a spec with its module. config is the plugin configuration from
// any of the spec's sources.
func FromSpec(s *spec.Spec, module Module, config *string) *Revision {
	r := &Revision{
		Filter:                      s.Name,
		Type:                        s.Type,
		Module:                      module,
		RootID:                      s.RootID,
		Config:                      config,
		ConfigType:                  carries(s.ConfigType, config),
		Policy:                      s.Policy,
		Backoff:                     s.ReloadBackoff,
		AllowOnHeadersStopIteration: s.AllowOnHeadersStopIteration,
		Capabilities:                s.Capabilities,
		VM: VM{
			ID: s.VM.ID, Runtime: s.VM.Runtime, Config: s.VM.Config, ConfigType: carries(s.VM.ConfigType, s.VM.Config),
			Env: s.VM.Env, HostEnv: s.VM.HostEnv, AllowPrecompiled: s.VM.AllowPrecompiled,
		},
	}
	return r.Seal()
}

// carries returns the type in the form of a revision: "" for text, as in revisions without types.
func carries(t spec.ConfigType, config *string) spec.ConfigType {
	if config == nil {
		return ""
	}
	if t = t.Carries(*config); t == spec.ConfigString {
		return ""
	}
	return t
}

// Seal sets the revision's ID from its content and returns the revision. The ID is the start of the
// sha256 of the canonical JSON of the other fields (struct order, sorted map keys). Of the module
// only the sha256 counts, and the refusals do not count.
// See docs/RATIONALE.md#why-is-a-revision-a-hash-of-the-content-for-envoy.
func (r *Revision) Seal() *Revision {
	content := *r
	content.ID, content.Module, content.Refusals = "", Module{SHA256: r.Module.SHA256}, nil
	text, err := json.Marshal(&content)
	if err != nil {
		// Strings, numbers and booleans, and maps and lists of them, always marshal.
		panic("snapshot: " + err.Error())
	}
	sum := sha256.Sum256(text)
	r.ID = hex.EncodeToString(sum[:6])
	return r
}

// RefusalFor returns the refusal for an Envoy version, or nil if there is none.
func (r *Revision) RefusalFor(version string) *Refusal {
	for i := range r.Refusals {
		if r.Refusals[i].Concerns(version) {
			return &r.Refusals[i]
		}
	}
	return nil
}

// Losses are the settings of the revision that are newer than an Envoy version, for example 1.36.4.
// An unknown version, for example "", loses nothing: the Envoys in use obey all settings. Losses
// takes no memory for a revision without settings of this kind.
func (r *Revision) Losses(version string) []Loss {
	all := demands(r.Capabilities, r.VM, r.Policy, r.AllowOnHeadersStopIteration)
	if len(all) == 0 {
		return nil
	}
	v, ok := minorOf(version)
	if !ok {
		return nil
	}
	var losses []Loss
	for _, one := range all {
		if one.concerns(v) {
			losses = append(losses, one)
		}
	}
	return losses
}

// MarshalJSON writes a configuration without valid UTF-8 as configBytes.
func (r Revision) MarshalJSON() ([]byte, error) {
	type plain Revision
	text, bytes := apart(r.Config)
	r.Config = text
	return json.Marshal(struct {
		plain
		ConfigBytes []byte `json:"configBytes,omitempty"`
	}{plain(r), bytes})
}

// UnmarshalJSON reads the output of MarshalJSON.
func (r *Revision) UnmarshalJSON(text []byte) error {
	type plain Revision
	read := struct {
		*plain
		ConfigBytes []byte `json:"configBytes"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	r.Config = together(r.Config, read.ConfigBytes)
	return nil
}
