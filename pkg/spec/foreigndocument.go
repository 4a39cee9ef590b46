package spec

// decodeForeign returns the valid specs of a document of another system, and all errors.
func decodeForeign(src *source, root *node, kind *foreignKind, defaultName string) (specs []*Spec, errs []*Error) {
	f := &foreign{decoder: foreignDecoder(src.file), defaultName: defaultName}
	kind.read(f, root)
	if len(f.errs) > 0 {
		name := "" // the file's earlier filters stay
		if len(f.filters) == 1 {
			name = f.filters[0].name()
		}
		return nil, f.sortedErrors(name)
	}
	for _, n := range f.filters {
		s, problems := n.decode(f)
		if len(problems) == 0 {
			specs = append(specs, s)
		}
		errs = append(errs, problems...)
	}
	return specs, errs
}

// decode returns the spec, which is valid without errors.
func (n *native) decode(f *foreign) (*Spec, []*Error) {
	if len(n.errs) > 0 {
		return nil, n.sortedErrors(n.name())
	}
	own := &problems{}
	d := &document{
		decoder:     &decoder{problems: own, file: f.file, seen: map[string]*node{}, meant: map[string]bool{}, isOther: true, nullIsAbsent: true},
		defaultName: n.defaultName,
		spec:        &Spec{File: f.file, Line: n.root.pos.Line, Part: f.part},
	}
	d.read(n.root)
	for _, e := range own.errs {
		e.Message = n.renamed(e.Message)
	}
	for i := range own.notes {
		own.notes[i].Message = n.renamed(own.notes[i].Message)
	}
	own.notes = append(own.notes, f.notes...)
	if n.decoder != f.decoder {
		own.notes = append(own.notes, n.notes...)
	}
	d.spec.Notes = own.sortedNotes(d.spec.Name)
	return d.spec, own.sortedErrors(d.known)
}
