// Package snapshot holds what is served: immutable revisions of filters, and
// immutable sets of them with a version that is a hash of their content.
package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Revision is one immutable content of a filter: everything that reaches Envoy,
// and nothing else. Equal contents have equal IDs, on every machine and in every
// release of wasm-xds.
type Revision struct {
	ID     string    `json:"id"` // 12 hex digits, see [Revision.Seal]
	Filter string    `json:"filter"`
	Type   spec.Type `json:"type"`
	Module Module    `json:"module"`
	RootID string    `json:"rootId,omitempty"`
	Config *string   `json:"config,omitempty"` // plugin configuration, as the module gets it; nil: none
	// ConfigType is struct or bytes; "": string.
	ConfigType spec.ConfigType    `json:"configType,omitempty"`
	Policy     spec.FailurePolicy `json:"policy"`
	Backoff    time.Duration      `json:"backoff,omitempty"` // nanoseconds; policy reload only
	// AllowOnHeadersStopIteration nil leaves Envoy's default.
	AllowOnHeadersStopIteration *bool    `json:"allowOnHeadersStopIteration,omitempty"`
	Capabilities                []string `json:"capabilities"` // null: unrestricted; sorted
	VM                          VM       `json:"vm"`
	// BuiltIn marks a stand-in that wasm-xds makes itself (deny, pass-through).
	BuiltIn bool `json:"builtIn,omitempty"`
	// Code is the module itself, of a stand-in alone: it lies in no store. It is no part of the content.
	Code []byte `json:"-"`
	// Refusals are the versions of Envoy that would not load it. They follow from the
	// content, as far as a sandbox knows, and so are no part of it.
	Refusals []Refusal `json:"refusals,omitempty"`
}

// Module names Wasm bytes. SHA256 is lowercase hex, Size is in bytes. The rest says
// where in a registry they come from, and is no part of a revision's ID.
type Module struct {
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	Reference string `json:"reference,omitempty"` // as the spec has it; "": not from a registry
	Digest    string `json:"digest,omitempty"`    // of the manifest or index that Reference led to
	// RootID is what the image's configuration says; "": nothing. See module.Complete.
	RootID string `json:"-"`
}

// VM is the part of a revision that decides which VM it runs in.
type VM struct {
	ID               string            `json:"id,omitempty"` // "": the filter's own
	Runtime          string            `json:"runtime"`      // full extension name
	Config           *string           `json:"config,omitempty"`
	ConfigType       spec.ConfigType   `json:"configType,omitempty"` // like the revision's
	Env              map[string]string `json:"env,omitempty"`
	HostEnv          []string          `json:"hostEnv,omitempty"` // sorted
	AllowPrecompiled bool              `json:"allowPrecompiled,omitempty"`
}

// FromSpec is the revision that a spec describes once its module is known.
// config is the plugin configuration, wherever the spec takes it from.
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

// carries is the type as a revision has it: nothing for text, as before there were types.
func carries(t spec.ConfigType, config *string) spec.ConfigType {
	if config == nil {
		return ""
	}
	if t = t.Carries(*config); t == spec.ConfigString {
		return ""
	}
	return t
}

// Seal sets the revision's ID from its content and returns it. The ID is the
// start of the sha256 of the canonical JSON of the other fields (struct order,
// sorted map keys), of the module its sha256 only, and without the refusals.
func (r *Revision) Seal() *Revision {
	content := *r
	content.ID, content.Module, content.Refusals = "", Module{SHA256: r.Module.SHA256}, nil
	text, err := json.Marshal(&content)
	if err != nil {
		// Strings, numbers, booleans, and maps and lists of them always marshal.
		panic("snapshot: " + err.Error())
	}
	sum := sha256.Sum256(text)
	r.ID = hex.EncodeToString(sum[:6])
	return r
}
