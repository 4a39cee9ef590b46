package adopt

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/envoyedit"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Make plans the edits. An error has the place of the failure; then there is no plan.
func Make(in Input, o Options) (*Plan, *spec.Error) {
	m := &maker{in: in, o: o, plan: &Plan{Text: in.File.Text}, perRoute: map[string]bool{}, inserted: map[*list]insertion{}}
	var p *spec.Error
	if m.patch, p = envoyedit.New(in.File); p != nil {
		return nil, p
	}
	if p := m.prepare(); p != nil {
		return nil, p
	}
	m.all = lists(in)
	chosen, p := selected(in, m.all, o.Listeners)
	if p != nil {
		return nil, p
	}
	for _, step := range []func() *spec.Error{
		func() *spec.Error { return m.takeOut(chosen) },
		func() *spec.Error { return m.insert(chosen) },
		m.replace,
		func() *spec.Error { return reporting{m}.add(chosen) },
		m.elsewhere,
		m.somethingToDo,
		m.connect,
		m.finish,
	} {
		if p := step(); p != nil {
			return nil, p
		}
	}
	m.describe()
	return m.plan, nil
}

// checkNames refuses filters that no spec can have, and filters named twice.
func (m *maker) checkNames() *spec.Error {
	seen := map[string]bool{}
	for _, f := range m.o.Filters {
		_, errs, _ := spec.Decode("", []byte("name: "+envoyconfig.Quote(f.Name)+"\nmodule: {file: a.wasm}\n"))
		switch {
		case len(errs) > 0:
			return problem("usage", spec.Position{}, "a filter cannot have this name: "+errs[0].Message, "")
		case seen[f.Name]:
			return problem("usage", spec.Position{}, "the filter "+f.Name+" is named twice", "")
		case f.Type == spec.Service || f.Type == "" && m.o.Specs[f.Name] == spec.Service:
			return problem("usage", spec.Position{}, "the spec "+f.Name+" is a service, which stands in no listener",
				"wasm-xds bootstrap prints the bootstrap_extensions for it")
		}
		seen[f.Name] = true
	}
	return nil
}

func (m *maker) prepare() *spec.Error {
	if p := m.checkNames(); p != nil {
		return p
	}
	at := spec.Position{File: m.in.File.Path}
	parts, err := bootstrap.NewParts(m.o.Bootstrap)
	if err != nil {
		return problem("usage", at, err.Error(), "")
	}
	m.xdsName = parts.XDSName
	if p := m.chooseMode(); p != nil {
		return p
	}
	if m.parts, err = bootstrap.NewParts(m.o.Bootstrap); err != nil {
		return problem("usage", at, err.Error(), "")
	}
	perRouteNames(m.in.File.Root, m.perRoute)
	return nil
}

// somethingToDo refuses a run without any filter.
func (m *maker) somethingToDo() *spec.Error {
	if len(m.o.Filters) > 0 || len(m.taken) > 0 || m.listenersElsewhere() || slices.ContainsFunc(m.in.Config.Filters(), m.ours) {
		return nil
	}
	if len(m.plan.Warnings) > 0 { // static filters that no spec can describe
		first := m.plan.Warnings[0]
		return problem(codeNoFilter, first.Pos, first.Message, "write a spec for it, remove it here, and name the filter with --filter")
	}
	hint := "name the filter to add with --filter"
	if len(m.o.Specs) > 0 {
		var names []string
		for name := range m.o.Specs {
			names = append(names, name)
		}
		slices.Sort(names)
		hint += ": there are specs for " + listOf(names)
	}
	return problem(codeNoFilter, spec.Position{File: m.in.File.Path}, "no Wasm filter stands in the file, and none is named: there is nothing to adopt", hint)
}

func (m *maker) finish() *spec.Error {
	if m.patch.Empty() {
		return nil
	}
	text, p := m.patch.Text()
	if p != nil {
		return p
	}
	m.plan.Text, m.plan.Changed = text, true
	diff, err := m.in.File.Diff(m.patch.Edits()...)
	if err != nil {
		return problem("cannot_edit", spec.Position{File: m.in.File.Path}, err.Error(), "")
	}
	m.plan.Diff = diff
	return nil
}
