package spec

import (
	"fmt"
)

// readConfiguration returns a plugin's or a VM's configuration as the module gets it: nil for null,
// a string unchanged, any other value as compact JSON. want then encodes the result. A block of
// Envoy's own configuration stands for its value, and gives the result its type. Errors quote
// nothing of the configuration.
func readConfiguration(d *decoder, path string, n *node, want ConfigType) (config *string, as ConfigType) {
	if at := typeField(n); at != nil {
		value, as, ok := typedConfig(d, path, n, at)
		switch {
		case !ok:
			return nil, want
		case want != "" && want != as:
			d.fail(&Error{
				Code: CodeConflict, Message: fmt.Sprintf("%s is a block whose @type says %s, and %sType says %s", path, as, path, want),
				Hint: "remove one of the two", Pos: at.value.pos,
			})
			return nil, want
		}
		return typedValue(d, path, value, as), as
	}
	return written(d, path, n, want), want
}

// readConfigType reads the type of a configuration. For all content that a spec itself can hold,
// the zero value and string are the same.
func readConfigType(d *decoder, path string, v *node) ConfigType {
	return choice(d, path, v, ConfigString, ConfigStruct, ConfigBytes)
}

// readConfigFrom reads the section configFrom.
func readConfigFrom(d *decoder, v *node) (ref *FileRef) {
	d.section("configFrom", v, fields{
		"file": func(_, v *node) { ref = readFileRef(d, "configFrom.file", v) },
	})
	if v.kind == kindMap && d.seen["configFrom.file"] == nil {
		d.failf(CodeMissingField, v, "configFrom.file is missing")
	}
	return ref
}
