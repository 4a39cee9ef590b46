package adopt

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// takeOut reads the static Wasm filters of the lists, and names their specs. Filters that no spec
// can describe stay, with a warning.
func (m *maker) takeOut(chosen []*list) *spec.Error {
	seen := map[*envoyconfig.Node]*taken{}
	for _, l := range chosen {
		for _, f := range l.filters() {
			if !f.IsWasm() || m.o.TakeOut != nil && !m.o.TakeOut(f.Name) {
				continue
			}
			item := anchored(f.Node)
			if p := m.sharedOutside(chosen, f); p != nil {
				return p
			}
			if before := seen[item]; before != nil { // another alias of the same filter
				m.taken = append(m.taken, &taken{f, l, before.wasm})
				continue
			}
			one, notes, reason := m.read(f, l)
			if reason != nil {
				m.plan.warn(reason.pos, fmt.Sprintf("the filter %s stays in the file: %s", f.Name, reason.message))
				continue
			}
			m.plan.Notes = append(m.plan.Notes, notes...)
			m.checkURL(f, one)
			seen[item] = &taken{f, l, one}
			m.taken = append(m.taken, seen[item])
		}
	}
	m.shareVMs()
	m.nameThem()
	return nil
}

// sharedOutside refuses a filter with an alias in an unchanged list.
func (m *maker) sharedOutside(chosen []*list, f *envoyconfig.Filter) *spec.Error {
	item := anchored(f.Node)
	for _, l := range m.all {
		if slices.Contains(chosen, l) {
			continue
		}
		if slices.ContainsFunc(l.filters(), func(other *envoyconfig.Filter) bool { return anchored(other.Node) == item }) {
			name := listOf(l.listeners())
			return problem("shared_list", item.Pos(), "the filter "+f.Name+" is also one of the listener "+name+": one anchor stands for both, so an edit would change both",
				"name "+name+" with --listener, too, or write the filter out")
		}
	}
	return nil
}

func (m *maker) read(f *envoyconfig.Filter, l *list) (*wasmFilter, []Note, *unfit) {
	if kind := kindOf(f.Type); kind != l.kind {
		return nil, nil, &unfit{"it is a filter of type " + string(kind) + " in a chain of type " + string(l.kind), f.Node.Pos()}
	}
	if f.Node.Get("name") == nil {
		return nil, nil, &unfit{"it has no name", f.Node.Pos()}
	}
	return readPlugin(f, l.kind)
}

// checkURL warns if Envoy fetched a module from another place than the host of the URL: Envoy asks
// the endpoints of a cluster, and wasm-xds asks the host.
func (m *maker) checkURL(f *envoyconfig.Filter, w *wasmFilter) {
	if w.Spec.Module.URL == "" {
		return
	}
	name := f.Config.Get("config").Scalar("vm_config", "code", "remote", "http_uri", "cluster")
	cluster, host := m.in.Config.Cluster(name), hostOf(w.Spec.Module.URL)
	if cluster == nil {
		return
	}
	var addresses []string
	for _, e := range cluster.Endpoints() {
		if e.Address == host {
			return
		}
		addresses = append(addresses, e.Address)
	}
	if len(addresses) > 0 {
		m.plan.warn(w.Spec.Module.Pos, fmt.Sprintf("Envoy fetched this module from %s, by its cluster %s; wasm-xds fetches it from %s itself",
			listOf(addresses), name, host))
	}
}

// hostOf returns the host and port of a URL.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func kindOf(typeName string) spec.Type {
	if typeName == envoyconfig.TypeNetworkWasm {
		return spec.Network
	}
	return spec.HTTP
}

// shareVMs gives a common id to filters of the same VM without an id: a spec without an id has a
// separate VM.
func (m *maker) shareVMs() {
	first := map[string]*wasmFilter{}
	for _, t := range m.taken {
		w := t.wasm
		if w.vmID != "" || w.Spec.VM.ID != "" {
			continue
		}
		key := w.vmKey()
		before := first[key]
		switch {
		case before == nil:
			first[key] = w
		case before != w && before.key() != w.key():
			id := "shared"
			if stem := w.stem(); stem != "" {
				id = stem
			}
			before.vmID, w.vmID = id, id
			m.plan.note(w.pos, "this filter ran in one VM with that of line "+fmt.Sprint(before.pos.Line)+": vm.id "+id+" keeps it so")
		}
	}
}

// nameThem chooses the names of the specs. A filter keeps the name in the chain, unless the name is
// only the extension's. Filters with equal contents share a spec.
func (m *maker) nameThem() {
	byName := map[string]*wasmFilter{}
	for _, t := range m.taken {
		if t.wasm.name != "" {
			continue
		}
		t.wasm.name = freeName(m.candidates(t), func(name string) bool {
			return byName[name] == nil || byName[name].key() == t.wasm.key()
		})
		byName[t.wasm.name] = t.wasm
		if plugin := t.wasm.Plugin; plugin != "" && plugin != t.wasm.name {
			m.plan.note(t.wasm.pos, fmt.Sprintf("the plugin was called %s, and is now called as its filter, %s: logs and metrics of Envoy show it", plugin, t.wasm.name))
		}
	}
}

// candidates are the fitting names for a filter, the best first.
func (m *maker) candidates(t *taken) []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, nameOf(name)) {
			names = append(names, nameOf(name))
		}
	}
	if !strings.HasPrefix(t.filter.Name, "envoy.") || m.perRoute[t.filter.Name] {
		add(t.filter.Name)
	}
	add(t.wasm.Plugin)
	add(t.wasm.Spec.RootID)
	add(t.wasm.stem())
	if len(names) == 0 {
		names = append(names, "wasm")
	}
	return names
}

// freeName returns the first free name, and else numbers the first name.
func freeName(names []string, free func(string) bool) string {
	if i := slices.IndexFunc(names, free); i >= 0 {
		return names[i]
	}
	for i := 2; ; i++ {
		if name := names[0] + "-" + strconv.Itoa(i); free(name) {
			return name
		}
	}
}

// perRouteNames are the filters configured by name in routes: they keep their names.
func perRouteNames(n *envoyconfig.Node, into map[string]bool) {
	if n == nil || n.Alias != nil {
		return
	}
	for _, e := range n.Entries {
		if e.Key.Text == "typed_per_filter_config" || e.Key.Text == "typedPerFilterConfig" {
			for _, one := range e.Value.Entries {
				into[one.Key.Text] = true
			}
		}
		perRouteNames(e.Value, into)
	}
	for _, item := range n.Items {
		perRouteNames(item, into)
	}
}

// replace puts ECDS in the place of the static configurations.
func (m *maker) replace() *spec.Error {
	written := map[string]bool{}
	for _, t := range m.taken {
		item := anchored(t.filter.Node)
		discovery, err := m.parts.Discovery(t.list.kind)
		if err != nil {
			return problem("bootstrap", item.Pos(), err.Error(), "")
		}
		for i, e := range item.Entries {
			switch e.Key.Text {
			case "name":
				if e.Value.Text == t.wasm.name {
					continue
				}
				if p := m.patch.ReplaceField(item, i, "name: "+scalar(t.wasm.name)+"\n"); p != nil {
					return p
				}
			case "typed_config", "typedConfig":
				if p := m.patch.ReplaceField(item, i, discovery); p != nil {
					return p
				}
				if !written[t.wasm.name] && hasComments(e.Value.Source()) {
					m.plan.note(e.Key.Pos(), "the comments inside this filter stay in the original only: copy them to its spec "+t.wasm.name)
				}
			}
		}
		if !written[t.wasm.name] {
			written[t.wasm.name] = true
			file, p := m.specFile(t.wasm)
			if p != nil {
				return p
			}
			m.plan.Specs = append(m.plan.Specs, file)
		}
	}
	return nil
}

// hasComments says whether a text has lines of comments.
func hasComments(text string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			return true
		}
	}
	return false
}

func (m *maker) specFile(w *wasmFilter) (SpecFile, *spec.Error) {
	file := SpecFile{Spec: w.name, Name: w.fileStem() + ".yaml", Text: w.text(path.Base(m.in.File.Path))}
	_, errs, _ := spec.Decode(file.Name, file.Text)
	if len(errs) > 0 {
		return file, problem("no_spec", w.pos, "this filter cannot become a spec: "+errs[0].Message, errs[0].Hint)
	}
	file.Module = w.moduleFile()
	return file, nil
}
