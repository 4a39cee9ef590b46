package adopt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	typeTCPProxy = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
	typeManager  = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)

// typeOf is the type of a filter to add.
func (m *maker) typeOf(f Filter) spec.Type {
	switch {
	case f.Type != "":
		return f.Type
	case m.o.Specs[f.Name] != "":
		return m.o.Specs[f.Name]
	case strings.HasPrefix(m.o.Before, "envoy.filters.network."), len(m.all) > 0 && !slices.ContainsFunc(m.all, isHTTP):
		return spec.Network
	default:
		return spec.HTTP
	}
}

func isHTTP(l *list) bool { return l.kind == spec.HTTP }

// insert adds the filters of the options to the lists.
func (m *maker) insert(chosen []*list) *spec.Error {
	placed := map[string]bool{}
	for _, l := range chosen {
		var names []string
		var text strings.Builder
		index, why := m.placeIn(l)
		for _, f := range m.o.Filters {
			if m.typeOf(f) != l.kind {
				continue
			}
			there, p := m.present(l, f.Name)
			if p != nil {
				return p
			}
			if there {
				placed[f.Name] = true
				continue
			}
			if index < 0 {
				continue
			}
			item, err := m.parts.Filter(f.Name, l.kind)
			if err != nil {
				return problem("bootstrap", l.node.Pos(), err.Error(), "")
			}
			text.WriteString(item)
			names, placed[f.Name] = append(names, f.Name), true
		}
		if index < 0 && why != "" && m.wants(l.kind) {
			m.plan.note(l.node.Pos(), why)
		}
		if len(names) == 0 {
			continue
		}
		if p := m.patch.AddItems(l.node, index, text.String()); p != nil {
			return p
		}
		m.inserted[l] = insertion{index, names}
	}
	for _, f := range m.o.Filters {
		if !placed[f.Name] && !m.listenersElsewhere() {
			return m.noPlace(f)
		}
	}
	return nil
}

// wants says whether a filter of a type is to be added.
func (m *maker) wants(kind spec.Type) bool {
	return slices.ContainsFunc(m.o.Filters, func(f Filter) bool { return m.typeOf(f) == kind })
}

// placeIn returns the index before which new filters go. A list without a place has a negative
// index, and why says so if somebody could expect a place.
func (m *maker) placeIn(l *list) (index int, why string) {
	filters := l.filters()
	is := func(f *envoyconfig.Filter) bool {
		switch {
		case m.o.Before != "":
			return f.Name == m.o.Before || f.Type == m.o.Before
		case l.kind == spec.HTTP:
			return f.Type == envoyconfig.TypeRouter || f.Name == "envoy.filters.http.router"
		default:
			return f.Type == typeTCPProxy || f.Name == "envoy.filters.network.tcp_proxy"
		}
	}
	if index = slices.IndexFunc(filters, is); index >= 0 {
		return index, ""
	}
	last := filters[len(filters)-1]
	switch {
	case m.o.Before != "":
		return -1, fmt.Sprintf("the listener %s has no filter %s here, so nothing is added", listOf(l.listeners()), m.o.Before)
	case l.kind == spec.HTTP:
		return -1, fmt.Sprintf("the listener %s has no router here, so nothing is added", listOf(l.listeners()))
	case last.Type == typeManager:
		return -1, "" // an HTTP listener
	default:
		return len(filters) - 1, ""
	}
}

// present says whether a list has a filter from wasm-xds already. Another filter of the same name
// is an error.
func (m *maker) present(l *list, name string) (bool, *spec.Error) {
	if slices.ContainsFunc(m.taken, func(t *taken) bool { return t.list == l && t.wasm.name == name }) {
		return true, nil // the filter is taken out of this list, and comes over ECDS from now on
	}
	for _, f := range l.filters() {
		if f.Name != name {
			continue
		}
		if m.ours(f) {
			return true, nil
		}
		return false, problem(codeNameTaken, f.Node.Pos(), "a filter "+name+" stands here already, and wasm-xds does not provide it",
			"give the new filter another name, or remove this one first")
	}
	return false, nil
}

// noPlace says why a filter has no place.
func (m *maker) noPlace(f Filter) *spec.Error {
	kind := m.typeOf(f)
	var have []string
	for _, l := range m.all {
		for _, one := range l.filters() {
			have = append(have, one.Name)
		}
	}
	at := spec.Position{File: m.in.File.Path}
	switch {
	case len(have) == 0:
		return problem(codeNoPlace, at, "the file has no listener with filters", "name the file with the listeners")
	case m.o.Before != "":
		hint := "the filters are " + listOf(slices.Compact(have))
		if near := spec.Nearest(m.o.Before, have); near != "" {
			hint = "did you mean " + near + "?"
		}
		return problem(codeNoPlace, at, fmt.Sprintf("no %s chain of filters has %s, before which %s should stand", kind, m.o.Before, f.Name), hint)
	case kind == spec.HTTP:
		return problem(codeNoPlace, at, "no chain of HTTP filters has a router, before which "+f.Name+" should stand",
			"name a filter with --before, or add a network filter with --type network")
	default:
		return problem(codeNoPlace, at, "no chain of network filters is there, in which "+f.Name+" should stand",
			"a listener with an HTTP connection manager takes HTTP filters; name a filter with --before to stand before it")
	}
}
