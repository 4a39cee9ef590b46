package adopt

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// describe fills in the report for people.
func (m *maker) describe() {
	var names []string
	for _, l := range m.all {
		change, ecds := m.changeOf(l)
		for _, name := range ecds {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if slices.Equal(change.Before, change.After) {
			continue
		}
		for _, listener := range l.listeners() {
			one := change
			one.Listener = listener
			m.plan.Chains = append(m.plan.Chains, one)
		}
		if len(l.chains) > 1 {
			m.plan.note(l.node.Pos(), fmt.Sprintf("one anchor stands for %d chains of filters: the edit changes all of them", len(l.chains)))
		}
	}
	m.unknownSpecs()
	m.staying()
	if len(names) > 0 {
		m.plan.AtBoot = atBoot(names, m.o.Bootstrap.InitialFetchTimeout)
	}
}

// changeOf compares a list before and after, and returns the names that come over ECDS afterwards.
func (m *maker) changeOf(l *list) (Change, []string) {
	change := Change{Type: l.kind, Pos: l.node.Pos()}
	var ecds []string
	for i, f := range l.filters() {
		entry := entryOf(f, m.ours)
		change.Before = append(change.Before, entry)
		if added := m.inserted[l]; added.index == i {
			for _, name := range added.names {
				change.After = append(change.After, Entry{name, FromWasmXDS})
			}
		}
		for _, t := range m.taken {
			if t.filter == f {
				entry = Entry{t.wasm.name, FromWasmXDS}
			}
		}
		change.After = append(change.After, entry)
	}
	for _, e := range change.After {
		if e.Origin == FromWasmXDS {
			ecds = append(ecds, e.Name)
		}
	}
	return change, ecds
}

// unknownSpecs warns of new filters without a spec.
func (m *maker) unknownSpecs() {
	var known []string
	for name := range m.o.Specs {
		known = append(known, name)
	}
	for _, file := range m.plan.Specs {
		known = append(known, file.Spec)
	}
	for _, f := range m.o.Filters {
		if slices.Contains(known, f.Name) {
			continue
		}
		text := "no spec is called " + f.Name + " yet: until there is one, the control plane denies its requests"
		if near := spec.Nearest(f.Name, known); near != "" {
			text += "; there is a spec " + near
		}
		m.plan.warn(spec.Position{File: m.in.File.Path}, text)
	}
}

// staying notes the uses of Wasm that ECDS cannot provide.
func (m *maker) staying() {
	var walk func(n *envoyconfig.Node)
	walk = func(n *envoyconfig.Node) {
		if n == nil || n.Alias != nil {
			return
		}
		switch name := envoyconfig.TypeName(n.Scalar("@type")); {
		case strings.HasPrefix(name, "envoy.extensions.") && strings.Contains(name, ".wasm.v3.") &&
			name != envoyconfig.TypeHTTPWasm && name != envoyconfig.TypeNetworkWasm:
			m.plan.note(n.Pos(), "this use of Wasm stays as it is: Envoy takes only filters over ECDS")
		}
		for _, e := range n.Entries {
			walk(e.Value)
		}
		for _, item := range n.Items {
			walk(item)
		}
	}
	walk(m.in.File.Root)
	for _, c := range m.in.Config.Chains {
		for _, f := range c.Filters {
			if f.IsWasm() && f.Node.File == m.in.File && c.Kind != envoyconfig.HTTPChain && c.Kind != envoyconfig.NetworkChain {
				m.plan.note(f.Node.Pos(), "the filter "+f.Name+" stays as it is: adopt takes filters out of the chains of listeners only")
			}
		}
	}
}

func atBoot(names []string, timeout time.Duration) string {
	if timeout == 0 {
		return "At boot, the listeners of this Envoy stay closed until wasm-xds has answered for " + listOf(names) +
			" (initial_fetch_timeout 0s). Envoy opens its listeners together, also those without such a filter. " +
			"Start the control plane first, or choose another time with --initial-fetch-timeout: after it, " +
			"the listeners open, and answer 500 until the filter is there. No request passes without its filter."
	}
	return "At boot, the listeners of this Envoy wait for wasm-xds " + timeout.String() + " at most (initial_fetch_timeout). " +
		"After it they open, and answer 500 until wasm-xds has answered for " + listOf(names) + ". No request passes without its filter."
}
