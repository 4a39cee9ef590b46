package spec

import (
	"strings"
)

// readSelector reads a selection of Envoys. An empty selection is an error.
func readSelector(d *decoder, path string, v *node) NodeSelector {
	var s NodeSelector
	d.section(path, v, fields{
		"ids":      func(_, v *node) { s.IDs = d.list(path+".ids", v) },
		"clusters": func(_, v *node) { s.Clusters = d.list(path+".clusters", v) },
		"metadata": func(_, v *node) { s.Metadata = readMetadata(d, path+".metadata", v) },
	})
	if v.kind == kindMap && len(v.entries) == 0 {
		d.fail(&Error{
			Code: CodeBadValue, Message: path + " selects nothing",
			Hint: "give it ids, clusters or metadata, or remove it to mean every Envoy", Pos: v.pos,
		})
	}
	return s
}

// readMetadata reads scalars as text, in their original spelling.
func readMetadata(d *decoder, path string, v *node) map[string]string {
	if !d.is(path, v, kindMap) {
		return nil
	}
	if len(v.entries) == 0 {
		d.fail(&Error{Code: CodeBadValue, Message: path + " is empty", Hint: "name a key, or remove it", Pos: v.pos})
	}
	metadata := make(map[string]string, len(v.entries))
	for _, e := range v.entries {
		name, ok := d.filled("a key in "+path, e.key)
		if !ok {
			continue
		}
		if _, twice := metadata[name]; twice {
			d.fail(&Error{
				Code: CodeDuplicateKey, Message: path + " has " + brief(name) + " twice",
				Hint: "remove one of the two", Pos: e.key.pos,
			})
		}
		switch e.value.kind {
		case kindBool:
			metadata[name] = strings.ToLower(e.value.text)
		case kindNumber:
			metadata[name] = e.value.text
		default:
			metadata[name], _ = d.str(path+"."+brief(name), e.value)
		}
	}
	return metadata
}
