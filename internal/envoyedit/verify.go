package envoyedit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Text returns the edited text. It fails if the text has another meaning than the changes.
func (p *Patch) Text() ([]byte, *spec.Error) {
	text, err := p.file.Apply(p.edits...)
	if err != nil {
		return nil, p.fail(p.file.Root, err.Error(), "")
	}
	got, problem := envoyconfig.Parse(p.file.Path, text)
	if problem != nil {
		problem.Message = "the file cannot be edited: afterwards it would be broken: " + problem.Message
		return nil, problem
	}
	wanted, present := outline{changes: p.changes}, outline{}
	wanted.value(p.file.Root)
	present.value(got.Root)
	if wanted.String() != present.String() {
		return nil, p.fail(p.file.Root, "the file cannot be edited: afterwards it would mean something else", differenceOf(wanted.String(), present.String()))
	}
	return text, nil
}

// outline writes the meaning of a tree: a line for each begin, end, key and scalar.
type outline struct {
	strings.Builder
	changes map[*envoyconfig.Node]*change
}

func (o *outline) value(n *envoyconfig.Node) {
	n = anchored(n)
	c := o.changes[n]
	if c == nil {
		c = &change{}
	}
	switch {
	case c.whole != nil:
		o.value(c.whole)
	case n.Kind == envoyconfig.Map:
		o.WriteString("{\n")
		for i, e := range n.Entries {
			o.fields(c.before[i])
			if c.replaced[i] != nil {
				o.fields(c.replaced[i])
				continue
			}
			o.field(e)
		}
		o.fields(c.before[len(n.Entries)])
		o.WriteString("}\n")
	case n.Kind == envoyconfig.List:
		o.WriteString("[\n")
		for i, item := range n.Items {
			o.items(c.before[i])
			o.value(item)
		}
		o.items(c.before[len(n.Items)])
		o.WriteString("]\n")
	default:
		fmt.Fprintf(o, "%d %s\n", n.Kind, strconv.Quote(n.Text))
	}
}

func (o *outline) field(e envoyconfig.Entry) {
	o.WriteString(strconv.Quote(e.Key.Text) + ":\n")
	o.value(e.Value)
}

func (o *outline) fields(added *envoyconfig.Node) {
	if added != nil {
		for _, e := range added.Entries {
			o.field(e)
		}
	}
}

func (o *outline) items(added *envoyconfig.Node) {
	if added != nil {
		for _, item := range added.Items {
			o.value(item)
		}
	}
}

// differenceOf names the first differing lines.
func differenceOf(wanted, present string) string {
	left, right := strings.Split(wanted, "\n"), strings.Split(present, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("value %d would be %s, not %s", i+1, right[i], left[i])
		}
	}
	return ""
}
