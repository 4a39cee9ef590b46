package resource

import (
	"encoding/json"
	"fmt"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// hidden stands for each value of a configuration.
const hidden = "…"

// Show returns the resource of a revision as an Envoy of a version gets it, in Envoy's own field
// names, for people. The values of configurations and variables are hidden, because they may be
// secrets. Zeros stand for the salt, with which an Envoy fetches the module. Inline bytes are their
// length and sha256. The revision is not changed. Show reads no file.
func Show(r *snapshot.Revision, variant delivery.Variant, envoy string, at Addresses) (map[string]any, error) {
	shown := withoutSecrets(r)
	m := r.Module
	shown.Code = fmt.Appendf(nil, "<%d bytes with sha256 %s>", m.Size, m.SHA256)
	send := delivery.Send{Envoy: envoy}
	send.Revision, send.Version.Variant = shown, variant
	resource, err := resourceToShow(shown, send, at)
	if err != nil {
		return nil, err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(resource)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, err
	}
	replace(out, "inline_bytes", string(shown.Code))
	return out, nil
}

// resourceToShow returns the resource, or a service's entry of bootstrap_extensions.
func resourceToShow(shown *snapshot.Revision, send delivery.Send, at Addresses) (*corev3.TypedExtensionConfig, error) {
	if shown.Type == spec.Service {
		return translate.Extension(shown, shown.Module.SHA256+".wasm")
	}
	code, err := codeOf(send, at, nil) // no variant reads a module: inline code is in the revision
	if err != nil {
		return nil, err
	}
	return translate.Resource(shown, code, strings.Repeat("0", translate.SaltLen), envoyVersion(send))
}

// replace sets the value of each key with this name.
func replace(value any, key, to string) {
	switch value := value.(type) {
	case map[string]any:
		for k := range value {
			if k == key {
				value[k] = to
			} else {
				replace(value[k], key, to)
			}
		}
	case []any:
		for _, one := range value {
			replace(one, key, to)
		}
	}
}

// withoutSecrets is a copy of a revision in which each value of a configuration and of a variable
// is hidden. The keys stay.
func withoutSecrets(r *snapshot.Revision) *snapshot.Revision {
	out := *r
	out.Config = hide(r.Config, r.ConfigType)
	out.VM.Config = hide(r.VM.Config, r.VM.ConfigType)
	if r.VM.Env != nil {
		out.VM.Env = make(map[string]string, len(r.VM.Env))
		for name := range r.VM.Env {
			out.VM.Env[name] = hidden
		}
	}
	return &out
}

// hide hides a configuration of a type. A JSON object and a Struct keep their keys.
func hide(config *string, as spec.ConfigType) *string {
	if config == nil {
		return nil
	}
	text := hidden
	if as == spec.ConfigStruct {
		text = hideStruct(*config)
	} else if value := map[string]any(nil); json.Unmarshal([]byte(*config), &value) == nil {
		if shown, err := json.Marshal(hideValues(value)); err == nil {
			text = string(shown)
		}
	}
	return &text
}

// hideStruct is the wire format of a Struct without its values.
func hideStruct(config string) string {
	var object structpb.Struct
	if proto.Unmarshal([]byte(config), &object) != nil {
		return "" // an empty Struct
	}
	shown, err := structpb.NewStruct(hideValues(object.AsMap()).(map[string]any))
	if err != nil {
		return ""
	}
	text, err := proto.Marshal(shown)
	if err != nil {
		return ""
	}
	return string(text)
}

func hideValues(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, one := range value {
			value[key] = hideValues(one)
		}
		return value
	case []any:
		for i, one := range value {
			value[i] = hideValues(one)
		}
		return value
	default:
		return hidden
	}
}
