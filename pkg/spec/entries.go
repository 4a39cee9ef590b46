package spec

// Entry is an entry of a file with settings: a name with a scalar, or with a list of scalars.
type Entry struct {
	Name   string
	Values []string // as written, or the meaning of quoted ones; one value unless IsList
	IsList bool
	Pos    Position // of the name
	At     Position // of the value
}

// ReadEntries reads a YAML file with settings, in the order of the file. It is for files beside the
// specs, and reads YAML as [Decode] does. An empty file has no entries. file is for positions.
func ReadEntries(file string, text []byte) ([]Entry, *Error) {
	src, bodies, problem := split(file, text)
	if problem != nil {
		return nil, problem
	}
	var entries []Entry
	for i, body := range bodies {
		found := &problems{}
		root := (&builder{source: src, problems: found, anchors: map[string]*node{}}).tree(body)
		if i > 0 {
			found.failf(CodeBadYAML, root, "a file with settings has one document")
		}
		entries = found.entries(root)
		if errs := found.sortedErrors(""); len(errs) > 0 {
			return nil, errs[0]
		}
	}
	return entries, nil
}

// entries checks the mapping n and returns its entries.
func (p *problems) entries(n *node) []Entry {
	if n.kind != kindMap {
		if n.kind != kindInvalid {
			p.failf(CodeWrongType, n, "a file with settings is a mapping from names to values, not %s", n.kind)
		}
		return nil
	}
	var entries []Entry
	lines := map[string]int{}
	for _, e := range n.entries {
		name := e.key.text
		if first, twice := lines[name]; twice {
			p.failf(CodeDuplicateKey, e.key, "%s is set twice; first on line %d", brief(name), first)
		}
		lines[name] = e.key.pos.Line
		one := Entry{Name: name, Pos: e.key.pos, At: e.value.pos, IsList: e.value.kind == kindList}
		values := []*node{e.value}
		if one.IsList {
			values = e.value.items
		}
		for _, value := range values {
			if value.kind == kindMap || value.kind == kindList || value.kind == kindNull {
				p.failf(CodeWrongType, value, "%s must be a text, a number, true, false or a list of them, not %s", brief(name), value.kind)
			}
			one.Values = append(one.Values, value.text)
		}
		entries = append(entries, one)
	}
	return entries
}
