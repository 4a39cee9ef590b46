package snapshot

import (
	"encoding/json"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// VM is the part of a revision that determines the VM.
type VM struct {
	ID               string            `json:"id,omitempty"` // "": a VM of the filter's own
	Runtime          string            `json:"runtime"`      // full extension name
	Config           *string           `json:"config,omitempty"`
	ConfigType       spec.ConfigType   `json:"configType,omitempty"` // as in Revision
	Env              map[string]string `json:"env,omitempty"`
	HostEnv          []string          `json:"hostEnv,omitempty"` // sorted
	AllowPrecompiled bool              `json:"allowPrecompiled,omitempty"`
}

// MarshalJSON writes a configuration without valid UTF-8 as configBytes.
func (v VM) MarshalJSON() ([]byte, error) {
	type plain VM
	text, bytes := apart(v.Config)
	v.Config = text
	return json.Marshal(struct {
		plain
		ConfigBytes []byte `json:"configBytes,omitempty"`
	}{plain(v), bytes})
}

// UnmarshalJSON reads the output of MarshalJSON.
func (v *VM) UnmarshalJSON(text []byte) error {
	type plain VM
	read := struct {
		*plain
		ConfigBytes []byte `json:"configBytes"`
	}{plain: (*plain)(v)}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	v.Config = together(v.Config, read.ConfigBytes)
	return nil
}
