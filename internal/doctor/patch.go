package doctor

import (
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// The functions here return edits of the file as the operator wrote it. nil means: an edit would
// spoil the place as written; a finding then has a hint and no patch.

// replaceScalar replaces a value; text is plain YAML, and quoted in JSON.
func replaceScalar(n *envoyconfig.Node, text string) []envoyconfig.Edit {
	if !editable(n) {
		return nil
	}
	if source := n.Source(); strings.HasPrefix(source, `"`) || n.File.Root.Flow && n.Kind != envoyconfig.List {
		text = envoyconfig.Quote(text)
	}
	return []envoyconfig.Edit{{Start: n.Start, End: n.End, Text: text}}
}

func editable(n *envoyconfig.Node) bool {
	return n != nil && n.File != nil && len(n.File.Text) > 0 && n.Alias == nil
}

// insertField adds a field to a map. body is the value as YAML: a scalar without a line end, or
// block YAML.
func insertField(m *envoyconfig.Node, name, body string) []envoyconfig.Edit {
	return insertAfter(m, 0, name, body)
}

// insertFirst adds a field before the other fields.
func insertFirst(m *envoyconfig.Node, name, body string) []envoyconfig.Edit {
	return insertAfter(m, -1, name, body)
}

// insertAfter adds a field after the entry with an index; -1: before all.
func insertAfter(m *envoyconfig.Node, index int, name, body string) []envoyconfig.Edit {
	if !editable(m) || m.Kind != envoyconfig.Map {
		return nil
	}
	if m.Flow {
		return insertInFlow(m, name, body)
	}
	if len(m.Entries) == 0 || m.Entries[0].Merged {
		return nil
	}
	first := m.Entries[0].Key
	column := first.Pos().Column - 1
	field := indented(fieldText(name, body), column)
	if index < 0 {
		return []envoyconfig.Edit{{Start: first.Start, End: first.Start, Text: strings.TrimLeft(field, " ") + strings.Repeat(" ", column)}}
	}
	end := max(first.End, m.Entries[index].Value.End)
	return insertLine(m.File, end, field)
}

// insertLine adds lines after the line of an offset.
func insertLine(f *envoyconfig.File, after int, lines string) []envoyconfig.Edit {
	at := f.NextLine(after)
	if at == len(f.Text) && !strings.HasSuffix(string(f.Text), "\n") {
		lines = "\n" + strings.TrimSuffix(lines, "\n")
	}
	return []envoyconfig.Edit{{Start: at, End: at, Text: lines}}
}

func insertInFlow(m *envoyconfig.Node, name, body string) []envoyconfig.Edit {
	open := m.Start + strings.IndexByte(m.Source(), '{') + 1
	text := envoyconfig.Quote(name) + ": " + inJSON(body)
	if len(m.Entries) == 0 {
		return []envoyconfig.Edit{{Start: open, End: open, Text: text}}
	}
	first := m.Entries[0].Key.Start
	gap := string(m.File.Text[open:first])
	return []envoyconfig.Edit{{Start: first, End: first, Text: text + "," + orSpace(gap)}}
}

func orSpace(gap string) string {
	if strings.TrimSpace(gap) != "" || gap == "" {
		return " "
	}
	return gap
}

// fieldText is a field in block YAML.
func fieldText(name, body string) string {
	if !strings.Contains(body, "\n") {
		return name + ": " + body + "\n"
	}
	if strings.HasPrefix(body, "- ") {
		return name + ":\n" + body
	}
	return name + ":\n" + indented(body, 2)
}

func indented(text string, columns int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.Repeat(" ", columns))
		out.WriteString(line)
	}
	return out.String()
}

// replaceField replaces a field of a map by the fields in block YAML.
func replaceField(m *envoyconfig.Node, name, fields string) []envoyconfig.Edit {
	key, value := m.Field(name)
	if !editable(m) || key == nil || key.File != m.File || !editable(value) {
		return nil
	}
	end := max(key.End, value.End)
	if m.Flow {
		object := inJSON(fields)
		return []envoyconfig.Edit{{Start: key.Start, End: end, Text: object[1 : len(object)-1]}}
	}
	text := strings.TrimSpace(indented(fields, key.Pos().Column-1))
	return []envoyconfig.Edit{{Start: key.Start, End: end, Text: text}}
}

// renameField changes the key of a field.
func renameField(m *envoyconfig.Node, name, to string) []envoyconfig.Edit {
	key, _ := m.Field(name)
	if key == nil {
		return nil
	}
	return replaceScalar(key, to)
}

// removeField removes a field on separate lines.
func removeField(m *envoyconfig.Node, name string) []envoyconfig.Edit {
	key, value := m.Field(name)
	if !editable(m) || m.Flow || key == nil || key.File != m.File || value.Alias != nil {
		return nil
	}
	start, end := m.File.LineStart(key.Start), m.File.NextLine(max(key.End, value.End))
	if strings.TrimSpace(string(m.File.Text[start:key.Start])) != "" {
		return nil // after a dash
	}
	return []envoyconfig.Edit{{Start: start, End: end}}
}

// insertItem adds a map, as block YAML, to the end of a list.
func insertItem(list *envoyconfig.Node, item string) []envoyconfig.Edit {
	if !editable(list) || list.Kind != envoyconfig.List || len(list.Items) == 0 {
		return nil
	}
	last := list.Items[len(list.Items)-1]
	if list.Flow {
		return []envoyconfig.Edit{{Start: last.End, End: last.End, Text: ", " + inJSON(item)}}
	}
	column := list.Pos().Column - 1
	text := strings.Repeat(" ", column) + "- " + strings.TrimLeft(indented(item, column+2), " ")
	return insertLine(list.File, list.End, text)
}

// moveItem moves an item of a list in block style before another.
func moveItem(list *envoyconfig.Node, from, before int) []envoyconfig.Edit {
	if !editable(list) || list.Flow {
		return nil
	}
	f := list.File
	moved := list.Items[from]
	start, end := f.LineStart(moved.Start), f.NextLine(moved.End)
	to := f.LineStart(list.Items[before].Start)
	text := string(f.Text[start:end])
	if !strings.HasPrefix(strings.TrimSpace(text), "- ") || !strings.HasSuffix(text, "\n") {
		return nil
	}
	return []envoyconfig.Edit{{Start: to, End: to, Text: text}, {Start: start, End: end}}
}

// inJSON turns YAML of this package into JSON on a single line.
func inJSON(body string) string {
	f, problem := envoyconfig.Parse("", []byte(body))
	if problem != nil {
		return envoyconfig.Quote(body)
	}
	return envoyconfig.JSON(f.Root)
}
