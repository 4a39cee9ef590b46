package spec

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// typedConfigs are the messages with a value that Envoy passes to a module, and the equivalent
// fields of a spec.
func typedConfigs() []struct {
	name string
	as   ConfigType
} {
	return []struct {
		name string
		as   ConfigType
	}{
		{"google.protobuf.StringValue", ConfigString},
		{"google.protobuf.Struct", ConfigStruct},
		{"google.protobuf.BytesValue", ConfigBytes},
	}
}

// typeField returns the @type key of a block from a configuration of Envoy or Istio, or nil if n is
// no such block.
func typeField(n *node) *entry {
	if n.kind != kindMap {
		return nil
	}
	for i, e := range n.entries {
		if e.key.kind == kindString && e.key.text == typeKey {
			return &n.entries[i]
		}
	}
	return nil
}

// typedConfig reads the block's value and type. For an unknown type it reports the error and
// returns false for ok.
// See docs/RATIONALE.md#why-is-a-pasted-block-with-type-only-a-warning.
func typedConfig(d *decoder, path string, n *node, at *entry) (value *node, as ConfigType, ok bool) {
	name, known := d.str(path+".@type", at.value)
	if !known {
		return nil, "", false
	}
	short := name[strings.LastIndexByte(name, '/')+1:]
	for _, one := range typedConfigs() {
		if one.name == short {
			as = one.as
		}
	}
	if as == "" {
		unknownType(d, path, name, at)
		return nil, "", false
	}
	value = &node{kind: kindNull, pos: at.key.pos}
	d.section(path, n, fields{
		typeKey: func(_, _ *node) {},
		"value": func(_, v *node) { value = v },
	})
	d.note(&Error{
		Code: CodeTypedConfig, Pos: at.key.pos,
		Message: fmt.Sprintf("%s is a block of Envoy's own configuration: %s", path, meaning(as)),
		Hint:    instead(path, as),
	})
	return value, as, true
}

func meaning(as ConfigType) string {
	switch as {
	case ConfigStruct:
		return "the filter gets its value as a Struct in protobuf's wire format, as from Envoy itself, and not as JSON"
	case ConfigBytes:
		return "the filter gets the bytes that its value is in base64"
	default:
		return "the filter gets its value"
	}
}

// instead returns the equivalent text without the block, or "" if there is none.
func instead(path string, as ConfigType) string {
	switch {
	case as == ConfigString:
		return "to say the same without the block, write the value as " + path
	case as == ConfigStruct:
		return fmt.Sprintf("to say the same without the block, write the value as %s, and %sType: struct; without the type the filter gets JSON", path, path)
	case path == "config":
		return "to say the same without the block, put the bytes into a file and name it with configFrom"
	default:
		return ""
	}
}

func unknownType(d *decoder, path, name string, at *entry) {
	var known []string
	for _, one := range typedConfigs() {
		known = append(known, one.name)
	}
	hint := "known: " + strings.Join(known, ", ")
	if strings.HasSuffix(name, "TypedStruct") || strings.HasSuffix(name, ".Wasm") {
		hint = "this is a whole filter of Envoy's own configuration: take what stands under its configuration; " + hint
	}
	d.fail(&Error{
		Code: CodeBadValue, Message: fmt.Sprintf("%s is a block with the @type %q, which is none of those that a filter can read", path, brief(name)),
		Hint: hint, Pos: at.value.pos,
	})
}

// typedValue returns the configuration in a block's value, as the module gets it.
func typedValue(d *decoder, path string, value *node, as ConfigType) *string {
	at := path + ".value"
	missing := value.kind == kindNull
	switch {
	case as == ConfigStruct && missing:
		return encoded(d, path, value, as, "{}")
	case as == ConfigStruct:
		if !d.is(at, value, kindMap) {
			return nil
		}
		return written(d, at, value, as)
	case missing:
		empty := ""
		return &empty // an absent field of a message has its zero value
	case !d.is(at, value, kindString):
		return nil
	case as == ConfigBytes:
		bytes, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.text), ""))
		if err != nil {
			d.fail(&Error{
				Code: CodeBadValue, Message: at + " is not base64, as the value of a BytesValue is",
				Hint: "encode it with base64, or use a StringValue", Pos: value.pos,
			})
			return nil
		}
		text := string(bytes)
		return &text
	default:
		text := value.text
		return &text
	}
}
