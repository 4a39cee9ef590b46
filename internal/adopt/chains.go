package adopt

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// codes of errors.
const (
	codeNoListener = "no_listener"
	codeNoPlace    = "no_place"
	codeNameTaken  = "name_taken"
	codeOtherADS   = "other_ads"
	codeNoFilter   = "nothing_to_adopt"
)

func problem(code string, at spec.Position, message, hint string) *spec.Error {
	return &spec.Error{Code: code, Message: message, Hint: hint, Pos: at}
}

// list is a list of filters in the file. Several chains share a list by an alias.
type list struct {
	node   *envoyconfig.Node // the anchor, for an alias
	kind   spec.Type
	chains []*envoyconfig.Chain
}

// listeners returns the names of the listeners with the list.
func (l *list) listeners() []string {
	var names []string
	for _, c := range l.chains {
		if !slices.Contains(names, c.Listener.Name) {
			names = append(names, c.Listener.Name)
		}
	}
	return names
}

// filters are the entries of the list.
func (l *list) filters() []*envoyconfig.Filter { return l.chains[0].Filters }

func anchored(n *envoyconfig.Node) *envoyconfig.Node {
	if n.Alias != nil {
		return n.Alias
	}
	return n
}

// lists returns the lists of HTTP and network filters of the edited file's listeners, in order.
func lists(in Input) []*list {
	var all []*list
	known := map[*envoyconfig.Node]*list{}
	for _, c := range in.Config.Chains {
		var kind spec.Type
		switch {
		case c.Listener == nil || c.Listener.Node.File != in.File:
			continue
		case c.Kind == envoyconfig.HTTPChain && c.Manager != nil:
			kind = spec.HTTP
		case c.Kind == envoyconfig.NetworkChain:
			kind = spec.Network
		default:
			continue
		}
		node := anchored(c.Node)
		if known[node] == nil {
			known[node] = &list{node: node, kind: kind}
			all = append(all, known[node])
		}
		known[node].chains = append(known[node].chains, c)
	}
	return all
}

// selected returns the lists of the listeners in the options. A list shared with further listeners
// cannot be changed for a part of them.
func selected(in Input, all []*list, names []string) ([]*list, *spec.Error) {
	if names == nil {
		return all, nil
	}
	var known []string
	for _, l := range in.Config.Listeners {
		if l.Node.File == in.File {
			known = append(known, l.Name)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			hint := "the file has " + listOf(known)
			if near := spec.Nearest(name, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, problem(codeNoListener, spec.Position{File: in.File.Path}, "there is no listener "+name+" in the file", hint)
		}
	}
	var chosen []*list
	for _, l := range all {
		in, out := 0, ""
		for _, name := range l.listeners() {
			if slices.Contains(names, name) {
				in++
			} else {
				out = name
			}
		}
		if in > 0 && out != "" {
			return nil, problem("shared_list", l.node.Pos(),
				"these filters are also those of the listener "+out+": one anchor stands for both, so an edit would change both",
				"name "+out+" with --listener, too, or write its filters out")
		}
		if in > 0 {
			chosen = append(chosen, l)
		}
	}
	return chosen, nil
}

func listOf(words []string) string {
	switch len(words) {
	case 0:
		return "none"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
	}
}

// entryOf describes a filter of a chain as the file has it.
func entryOf(f *envoyconfig.Filter, ours func(*envoyconfig.Filter) bool) Entry {
	switch {
	case f.Discovery != nil && ours(f):
		return Entry{f.Name, FromWasmXDS}
	case f.Discovery != nil:
		return Entry{f.Name, FromOther}
	case f.IsWasm():
		return Entry{f.Name, StaticWasm}
	default:
		return Entry{f.Name, FromFile}
	}
}
