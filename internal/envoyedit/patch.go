package envoyedit

import (
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// codeCannotEdit is the code of errors about uneditable places.
const codeCannotEdit = "cannot_edit"

// Patch collects the changes of a file. A Patch is not safe for concurrent use.
type Patch struct {
	file    *envoyconfig.File
	style   style
	edits   []envoyconfig.Edit
	changes map[*envoyconfig.Node]*change
}

// change has the additions to a list or a map, the replaced fields, or another value for the whole.
type change struct {
	before   map[int]*envoyconfig.Node // items or fields before the old child with this index
	replaced map[int]*envoyconfig.Node // fields in the place of the old field with this index
	whole    *envoyconfig.Node         // another value; nil: the value stays
}

// New returns a patch without changes. It fails if the file has merge keys: Envoy takes << for the
// name of a field, and refuses the file.
func New(f *envoyconfig.File) (*Patch, *spec.Error) {
	if len(f.Merges) > 0 {
		return nil, &spec.Error{
			Code: codeCannotEdit, Message: "Envoy knows no merge keys: it takes << for the name of a field, and refuses the file",
			Hint: "write the fields out, or let an anchor stand for the whole value", Pos: f.Merges[0].Pos(),
		}
	}
	return &Patch{file: f, style: styleOf(f.Text), changes: map[*envoyconfig.Node]*change{}}, nil
}

// Edits returns the changes of the bytes.
func (p *Patch) Edits() []envoyconfig.Edit { return p.edits }

// Empty says whether there are no changes.
func (p *Patch) Empty() bool { return len(p.edits) == 0 }

func (p *Patch) fail(n *envoyconfig.Node, message, hint string) *spec.Error {
	return &spec.Error{Code: codeCannotEdit, Message: message, Hint: hint, Pos: n.Pos()}
}

// anchored returns the value of a node: the anchor of an alias, else the node.
func anchored(n *envoyconfig.Node) *envoyconfig.Node {
	if n.Alias != nil {
		return n.Alias
	}
	return n
}

func (p *Patch) change(n *envoyconfig.Node) *change {
	if p.changes[n] == nil {
		p.changes[n] = &change{before: map[int]*envoyconfig.Node{}, replaced: map[int]*envoyconfig.Node{}}
	}
	return p.changes[n]
}

// snippet reads an added text.
func (p *Patch) snippet(text string) *envoyconfig.Node {
	f, problem := envoyconfig.Parse("added", []byte(text))
	if problem != nil { // the text comes from this program
		panic(problem.Error() + "\n" + text)
	}
	return f.Root
}

// AddItems adds items to a list, before the item with an index, or at the end. text is a list in
// block style. Several additions before the same index are an error.
func (p *Patch) AddItems(list *envoyconfig.Node, index int, text string) *spec.Error {
	list = anchored(list)
	added := p.snippet(text)
	c := p.change(list)
	if c.before[index] != nil || list.Kind != envoyconfig.List || len(list.Items) == 0 {
		return p.fail(list, "nothing can be added to this list", "")
	}
	c.before[index] = added
	if list.Flow {
		var rendered []string
		for _, item := range added.Items {
			rendered = append(rendered, p.flow(list, item))
		}
		return p.addFlow(list, list.Items, index, rendered)
	}
	first := dash(list, min(index, len(list.Items)-1))
	if first < 0 {
		return p.fail(list, "the items of this list cannot be told apart", "write each item on a line of its own")
	}
	column := first - p.file.LineStart(first)
	if index == len(list.Items) {
		return p.append(list, max(list.Items[index-1].End, first+1), column, text)
	}
	floor := 0
	if index > 0 {
		floor = list.Items[index-1].End
	}
	return p.insert(list, first, floor, text)
}

// AddFields adds fields to a map, before the field with an index, or at the end. text is a map in
// block style.
func (p *Patch) AddFields(m *envoyconfig.Node, index int, text string) *spec.Error {
	m = anchored(m)
	added := p.snippet(text)
	c := p.change(m)
	if c.before[index] != nil || m.Kind != envoyconfig.Map || len(m.Entries) == 0 {
		return p.fail(m, "nothing can be added to this value", "")
	}
	c.before[index] = added
	if m.Flow {
		var keys []*envoyconfig.Node
		for _, e := range m.Entries {
			keys = append(keys, e.Key)
		}
		var rendered []string
		for _, e := range added.Entries {
			rendered = append(rendered, p.flowField(m, e))
		}
		return p.addFlow(m, keys, index, rendered)
	}
	column, ok := p.keyColumn(m)
	if !ok {
		return p.fail(m, "the fields of this value cannot be told apart", "write each field on a line of its own")
	}
	if index == len(m.Entries) {
		last := m.Entries[index-1]
		return p.append(m, max(last.Key.End+len(":"), last.Value.End), column, text)
	}
	floor := 0
	if index > 0 {
		floor = max(m.Entries[index-1].Key.End, m.Entries[index-1].Value.End)
	}
	return p.insert(m, m.Entries[index].Key.Start, floor, text)
}

// keyColumn returns the column of the keys of a block map.
func (p *Patch) keyColumn(m *envoyconfig.Node) (int, bool) {
	for _, e := range m.Entries {
		if text := before(p.file, e.Key.Start); strings.Trim(text, " -") == "" {
			return len(text), true
		}
	}
	return 0, false
}

// insert puts lines before the line of an offset and before the comments above it.
func (p *Patch) insert(n *envoyconfig.Node, at, floor int, text string) *spec.Error {
	indent := before(p.file, at)
	if strings.Trim(indent, " ") != "" {
		return p.fail(n, "nothing can be added before this value", "write each item and each field on a line of its own")
	}
	start := above(p.file, at, floor)
	text = p.style.block(text, len(indent))
	if floor > 0 && start > firstLine(p.file) && isEmpty(line(p.file, start-1)) {
		text += p.style.newline // an empty line between the items, as between the old items
	}
	p.edits = append(p.edits, envoyconfig.Edit{Start: start, End: start, Text: text})
	return nil
}

// append puts lines after the last line of a value.
func (p *Patch) append(n *envoyconfig.Node, end, indent int, text string) *spec.Error {
	at, ok := below(p.file, end, indent)
	if !ok {
		return p.fail(n, "nothing can be added after this value", "write each item and each field on a line of its own")
	}
	text = p.style.block(text, indent)
	if !ended(p.file, at) {
		text = p.style.newline + strings.TrimSuffix(text, p.style.newline)
	}
	p.edits = append(p.edits, envoyconfig.Edit{Start: at, End: at, Text: text})
	return nil
}

// flow renders an added value for a flow collection.
func (p *Patch) flow(in, n *envoyconfig.Node) string {
	return p.style.flow(n, padding(in), p.base(in), strings.Contains(in.Source(), "\n"))
}

func (p *Patch) flowField(in *envoyconfig.Node, e envoyconfig.Entry) string {
	colon := p.style.colon
	return p.style.scalar(e.Key) + colon + p.flow(in, e.Value)
}

// base returns the indentation of the lines inside a flow collection.
func (p *Patch) base(in *envoyconfig.Node) string {
	first := in.Start
	switch {
	case len(in.Items) > 0:
		first = in.Items[0].Start
	case len(in.Entries) > 0:
		first = in.Entries[0].Key.Start
	}
	return indentOf(p.file, first)
}

// addFlow puts rendered values before the value with an index, or at the end. places are the
// present values, or the keys of the present fields.
func (p *Patch) addFlow(in *envoyconfig.Node, places []*envoyconfig.Node, index int, rendered []string) *spec.Error {
	next := places[min(index, len(places)-1)].Start
	separator := p.style.comma
	if indent := before(p.file, next); strings.Trim(indent, " \t") == "" && p.file.LineStart(next) > 0 {
		separator = "," + p.style.newline + indent
	}
	text := strings.Join(rendered, separator)
	if index < len(places) {
		p.edits = append(p.edits, envoyconfig.Edit{Start: next, End: next, Text: text + separator})
		return nil
	}
	end := places[index-1].End
	if in.Kind == envoyconfig.Map {
		end = max(end, in.Entries[index-1].Value.End)
	}
	p.edits = append(p.edits, envoyconfig.Edit{Start: end, End: end, Text: separator + text})
	return nil
}

// Append adds items to the list at a path below a map. Missing fields are added.
func (p *Patch) Append(m *envoyconfig.Node, text string, path ...string) *spec.Error {
	return p.set(m, path, text, func(list *envoyconfig.Node) *spec.Error {
		return p.AddItems(list, len(list.Items), text)
	})
}

// Set adds fields to the map at a path below a map. Missing fields are added.
func (p *Patch) Set(m *envoyconfig.Node, text string, path ...string) *spec.Error {
	return p.set(m, path, text, func(value *envoyconfig.Node) *spec.Error {
		return p.AddFields(value, len(value.Entries), text)
	})
}

func (p *Patch) set(m *envoyconfig.Node, path []string, text string, add func(*envoyconfig.Node) *spec.Error) *spec.Error {
	if len(path) == 0 {
		return add(m)
	}
	key, value := m.Field(path[0])
	nested := text
	for i := len(path) - 1; i > 0; i-- {
		nested = nest(path[i], nested)
	}
	switch {
	case value == nil:
		return p.AddFields(m, len(m.Entries), nest(path[0], nested))
	case len(value.Entries) == 0 && len(value.Items) == 0:
		return p.fill(m, key, value, nested)
	default:
		return p.set(value, path[1:], text, add)
	}
}

// nest returns a text as the value of a field.
func nest(key, text string) string {
	out := key + ":\n"
	for line := range strings.Lines(text) {
		out += "  " + line
	}
	return out
}

// fill gives a value to a field without a value, or in place of an empty list or map.
func (p *Patch) fill(m, key, value *envoyconfig.Node, text string) *spec.Error {
	if value.Kind == envoyconfig.String || value.Kind == envoyconfig.Number || value.Kind == envoyconfig.Bool || value.Alias != nil {
		return p.fail(value, "this value can take nothing more", "")
	}
	added := p.snippet(text)
	p.change(value).whole = added
	m = anchored(m)
	if m.Flow {
		if value.Start == value.End {
			return p.fail(key, "this field has no value", "write its value, or remove it")
		}
		p.edits = append(p.edits, envoyconfig.Edit{Start: value.Start, End: value.End, Text: p.flow(m, added)})
		return nil
	}
	column, ok := p.keyColumn(m)
	if !ok || value.Anchor != "" {
		return p.fail(value, "this value can take nothing more", "")
	}
	if value.End > value.Start {
		start := value.Start
		for p.file.Text[start-1] == ' ' {
			start--
		}
		p.edits = append(p.edits, envoyconfig.Edit{Start: start, End: value.End})
	}
	at, ok := below(p.file, max(key.End+len(":"), value.End), column)
	if !ok {
		return p.fail(value, "nothing can be added after this value", "")
	}
	text = p.style.block(text, column+2)
	if !ended(p.file, at) {
		text = p.style.newline + strings.TrimSuffix(text, p.style.newline)
	}
	p.edits = append(p.edits, envoyconfig.Edit{Start: at, End: at, Text: text})
	return nil
}

// ReplaceField replaces the field with an index of a map, key and value, by the fields of text.
func (p *Patch) ReplaceField(m *envoyconfig.Node, index int, text string) *spec.Error {
	m = anchored(m)
	e, added := m.Entries[index], p.snippet(text)
	c := p.change(m)
	if c.replaced[index] != nil {
		return nil // an alias of the same value was met before
	}
	c.replaced[index] = added
	var rendered string
	if m.Flow {
		var parts []string
		for _, field := range added.Entries {
			parts = append(parts, p.flowField(m, field))
		}
		rendered = strings.Join(parts, p.style.comma)
	} else {
		column, ok := p.keyColumn(m)
		if !ok {
			return p.fail(m, "the fields of this value cannot be told apart", "write each field on a line of its own")
		}
		rendered = strings.TrimSuffix(strings.TrimLeft(p.style.block(text, column), " "), p.style.newline)
	}
	p.edits = append(p.edits, envoyconfig.Edit{Start: e.Key.Start, End: max(e.Key.End, e.Value.End), Text: rendered})
	return nil
}

// ReplaceText replaces a scalar by another text.
func (p *Patch) ReplaceText(n *envoyconfig.Node, text string) *spec.Error {
	n = anchored(n)
	c := p.change(n)
	if c.whole != nil {
		return nil
	}
	c.whole = &envoyconfig.Node{Kind: envoyconfig.String, Text: text}
	if n.Anchor != "" {
		return p.fail(n, "this text has the anchor "+n.Anchor+", so other places would change", "write it out here")
	}
	p.edits = append(p.edits, envoyconfig.Edit{Start: n.Start, End: n.End, Text: p.style.scalar(c.whole)})
	return nil
}
