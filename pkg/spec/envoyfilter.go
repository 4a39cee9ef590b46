package spec

import "strings"

// EnvoyFilter is a Wasm filter out of the configuration of an Envoy.
type EnvoyFilter struct {
	// Spec has the fields of the filter. Its name is a placeholder, and so is its module if Inline
	// has the module.
	Spec *Spec
	// Plugin is the plugin's own name; "": it has none.
	Plugin string
	// Inline is a module that the configuration itself holds; nil: the module is elsewhere.
	Inline []byte

	filter *native
}

// placeholder stands for the name of a filter, and for the file of a module, until both are known.
const placeholder = "filter"

// ReadEnvoyFilter reads a filter: a value with typed_config. Without an error, the spec is valid,
// and its Notes are the fields that have no effect in a spec. The error is the first reason for
// which no spec describes the filter.
func ReadEnvoyFilter(filter *Value) (*EnvoyFilter, *Error) {
	root := filter.tree()
	f := &foreign{decoder: foreignDecoder(filter.Pos.File)}
	n := f.add(root)
	n.takesInline = true
	readEnvoyFilter(n, "", root)
	n.root.drop("name") // Envoy's names may be no names of specs
	n.defaultName = placeholder
	if n.inline != nil {
		n.put("module.file", n.root, text("./"+placeholder+".wasm", n.root), "module")
	}
	s, errs := n.decode(f)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return &EnvoyFilter{Spec: s, Plugin: n.plugin, Inline: n.inline, filter: n}, nil
}

// Text returns the filter as a native spec in YAML. file is the module's path, vmID the id of the
// VM; "" leaves either as it is in the configuration of Envoy. name may be "".
func (f *EnvoyFilter) Text(name, file, vmID string) string {
	n := &native{root: f.filter.root.copied(), names: map[string]string{}}
	set := func(path, value string) {
		if value != "" {
			section, field, found := strings.Cut(path, ".")
			if part := n.root.at(section); found && part != nil {
				part.drop(field)
			}
			n.put(path, n.root, text(value, n.root), path)
		}
	}
	set("name", name)
	set("module.file", file)
	set("vm.id", vmID)
	return (&nativeWriter{}).document(n.root)
}
