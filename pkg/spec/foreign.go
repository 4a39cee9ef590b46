package spec

import "fmt"

// The hints for fields of Istio and Envoy Gateway that choose where a filter runs.
const (
	hintOrder   = "put the filters into this order in the listeners of Envoy"
	hintTarget  = "the listeners of Envoy's own configuration that name the filter are its targets"
	hintPort    = "name the filter only in the listeners that it is for, and remove the field"
	hintLua     = "write it as Envoy's own filter envoy.filters.http.lua; wasm-xds delivers Wasm filters only"
	whyOrder    = "the order of the filters is that of Envoy's own configuration"
	whyTarget   = "a filter runs in every listener that names it"
	whySwitches = "a spec cannot choose between the ports of an Envoy"
)

// foreign reads one document of another system. The decoder has the problems of the whole document.
type foreign struct {
	*decoder
	defaultName string    // for a filter without a name; "": there is none
	filters     []*native // in the order of the document
	part        bool      // the document describes more than these filters
}

// add adds a filter. It has the problems of the whole document.
func (f *foreign) add(at *node) *native {
	n := &native{decoder: f.decoder, root: &node{kind: kindMap, pos: at.pos}, names: map[string]string{}, defaultName: f.defaultName}
	f.filters = append(f.filters, n)
	return n
}

// addEntry adds a filter with problems of its own: an error of one entry leaves the others alone.
func (f *foreign) addEntry(at *node) *native {
	n := f.add(at)
	n.decoder = foreignDecoder(f.file)
	n.defaultName = ""
	return n
}

func foreignDecoder(file string) *decoder {
	return &decoder{problems: &problems{}, file: file, seen: map[string]*node{}, meant: map[string]bool{}, isOther: true, nullIsAbsent: true}
}

// manifest reads the parts that all manifests have, and passes the spec on. It returns the name in
// the metadata, and nil if there is none.
func (f *foreign) manifest(root *node, read func(key, value *node)) (name *node) {
	none := func(_, _ *node) {}
	var body, bodyKey *node
	f.section("", root, fields{
		"apiVersion": none,
		"kind":       none,
		"status":     none, // the cluster's report, and no part of what the user asks for
		"metadata":   func(_, v *node) { name = f.metadata(v) },
		"spec":       func(k, v *node) { bodyKey, body = k, v },
	})
	if body == nil {
		f.failf(CodeMissingField, root, "spec is missing")
		return name
	}
	read(bodyKey, body)
	return name
}

// metadata reads the metadata of a manifest. Its fields other than the name and the namespace say
// nothing about a filter.
func (f *foreign) metadata(v *node) (name *node) {
	if !f.is("metadata", v, kindMap) {
		return nil
	}
	for _, e := range v.entries {
		switch e.key.text {
		case "name":
			if _, ok := f.filled("metadata.name", e.value); ok {
				name = e.value
			}
		case "namespace":
			f.ignored("metadata.namespace", e.key, "there are no namespaces: every Envoy that asks for the filter by its name gets it",
				"choose Envoys with nodes in a native spec, or with a selector where the kind has one")
		}
	}
	return name
}

// entryPath is the path of an item of a list.
func entryPath(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
