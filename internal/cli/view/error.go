package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// envoysShown is how many Envoys with the same error a line names.
const envoysShown = 3

// perEnvoy has each error once, with the Envoys with the error.
type perEnvoy struct {
	order []api.Error
	where map[api.Error][]string
}

func (p *perEnvoy) add(s *api.Subscriber, e *api.Error) {
	if p.where == nil {
		p.where = map[api.Error][]string{}
	}
	if p.where[*e] == nil {
		p.order = append(p.order, *e)
	}
	if place := fmt.Sprintf("%s (%s)", s.Node, s.Address); !slices.Contains(p.where[*e], place) {
		p.where[*e] = append(p.where[*e], place)
	}
}

func (p *perEnvoy) print(w io.Writer, what func(envoys string) string) {
	for _, e := range p.order {
		envoys := p.where[e]
		if more := len(envoys) - envoysShown; more > 0 {
			envoys = append(envoys[:envoysShown:envoysShown], display.Plural(more, "more Envoy"))
		}
		fmt.Fprintln(w)
		PrintError(w, what(strings.Join(envoys, ", ")), &e)
	}
}

// PrintError prints the subject, the message and the hint, wrapped to the width of the output. ""
// means no subject.
func PrintError(w io.Writer, what string, e *api.Error) {
	style, width := display.Style(w), display.Width(w)
	text := *e
	text.Hint = ""
	line := terminal.Printable(text.Error())
	if what != "" {
		line = terminal.Printable(what) + ": " + line
	}
	fmt.Fprintln(w, terminal.Wrap(line, width, "  "))
	if e.Hint != "" {
		fmt.Fprintln(w, style.Paint(terminal.Faint, terminal.Wrap("  hint: "+terminal.Printable(e.Hint), width, "        ")))
	}
}
