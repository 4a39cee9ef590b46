package snapshot

import (
	"encoding/json"
	"unicode/utf8"
)

// A configuration may have any bytes, but JSON strings are text. A configuration that is no valid
// text is stored in a separate field, in base64.

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

func apart(config *string) (text *string, bytes []byte) {
	if config == nil || utf8.ValidString(*config) {
		return config, nil
	}
	return nil, []byte(*config)
}

func together(text *string, bytes []byte) *string {
	if bytes == nil {
		return text
	}
	config := string(bytes)
	return &config
}
