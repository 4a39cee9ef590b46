package spec

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// ConfigType names the protobuf message in which a configuration travels to Envoy. The message
// decides which bytes the module gets.
// See docs/RATIONALE.md#in-which-form-does-a-spec-hold-a-configuration.
type ConfigType string

// The types of a configuration. The zero value means [ConfigString] for text in UTF-8, and
// [ConfigBytes] for any other content.
const (
	// ConfigString is google.protobuf.StringValue: the module gets the text.
	ConfigString ConfigType = "string"
	// ConfigStruct is google.protobuf.Struct: the module gets the object in protobuf's wire format.
	// Envoy does not turn it into JSON, although its API documentation says so.
	ConfigStruct ConfigType = "struct"
	// ConfigBytes is google.protobuf.BytesValue: the module gets the bytes.
	ConfigBytes ConfigType = "bytes"
)

// Encode returns the configuration for the module: content itself, or, for a Struct, the wire
// format of the JSON object in content. The error gives the reason and quotes nothing of content.
func (t ConfigType) Encode(content string) (string, error) {
	switch t {
	case ConfigStruct:
		return structOf(content)
	case ConfigString:
		if !utf8.ValidString(content) {
			return "", errNotText
		}
	}
	return content, nil
}

// Carries returns the type in which config, a result of [ConfigType.Encode], travels. The result is
// never the zero value.
func (t ConfigType) Carries(config string) ConfigType {
	switch {
	case t != "":
		return t
	case utf8.ValidString(config):
		return ConfigString
	default:
		return ConfigBytes
	}
}

// ConfigError words an error of [ConfigType.Encode]. name is the name of the configuration, and
// field is the field with its type.
func ConfigError(err error, name, field string, pos Position) *Error {
	if errors.Is(err, errNotText) {
		return &Error{
			Code: CodeConfigNotText, Message: name + " is not UTF-8 text, which " + field + ": string asks for",
			Hint: "remove " + field + ", or set it to bytes: the filter gets the same bytes", Pos: pos,
		}
	}
	return &Error{
		Code: CodeConfigNotObject, Message: fmt.Sprintf("%s cannot be a Struct: %v", name, err),
		Hint: field + ": struct takes a JSON object; remove " + field + " if the filter reads anything else", Pos: pos,
	}
}
