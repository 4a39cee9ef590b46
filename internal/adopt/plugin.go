package adopt

import (
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// unfit is the reason for which a static filter stays in the file.
type unfit struct {
	message string
	pos     spec.Position
}

// readPlugin reads the configuration of a static Wasm filter.
func readPlugin(f *envoyconfig.Filter, kind spec.Type) (*wasmFilter, []Note, *unfit) {
	// The filter's other fields stay in the file, beside config_discovery.
	config := &spec.Value{Kind: spec.MapValue, Pos: f.Node.Pos()}
	for _, e := range f.Node.Entries {
		if e.Key.Text == "typed_config" || e.Key.Text == "typedConfig" {
			config.Fields = append(config.Fields, field(e))
		}
	}
	read, problem := spec.ReadEnvoyFilter(config)
	if problem != nil {
		return nil, nil, &unfit{problem.Message, problem.Pos}
	}
	var notes []Note
	for _, one := range read.Spec.Notes {
		notes = append(notes, Note{one.Message, one.Pos})
	}
	return &wasmFilter{EnvoyFilter: read, kind: kind, pos: f.Node.Pos()}, notes, nil
}

// value returns a part of the file for the package spec.
func value(n *envoyconfig.Node) *spec.Value {
	kinds := map[envoyconfig.Kind]spec.ValueKind{
		envoyconfig.Null: spec.NullValue, envoyconfig.Bool: spec.BoolValue, envoyconfig.Number: spec.NumberValue,
		envoyconfig.String: spec.StringValue, envoyconfig.Map: spec.MapValue, envoyconfig.List: spec.ListValue,
	}
	kind, text := n.Resolved()
	v := &spec.Value{Kind: kinds[kind], Text: text, Pos: n.Pos()}
	for _, e := range n.Entries {
		v.Fields = append(v.Fields, field(e))
	}
	for _, item := range n.Items {
		v.Items = append(v.Items, value(item))
	}
	return v
}

func field(e envoyconfig.Entry) spec.ValueField {
	key := &spec.Value{Kind: spec.StringValue, Text: e.Key.Text, Pos: e.Key.Pos()}
	return spec.ValueField{Key: key, Value: value(e.Value)}
}
