package doctor

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// checkFiles looks at the files themselves.
func (e *exam) checkFiles() {
	for _, file := range e.config.Files {
		for _, key := range file.Merges {
			e.failed(key, "merge_key", "Envoy knows no merge keys: it takes << for the name of a field, and does not start",
				"write the fields out, or expand the file before Envoy gets it; aliases (*name) work")
		}
	}
	for _, one := range e.config.Unread {
		e.warn(one.Node, "file_unread", "the file that is named here cannot be read: "+one.Reason.Message, "run doctor where Envoy runs, or beside a copy of its files")
	}
}

// checkBoot looks at the start of Envoy while the control plane is away.
func (e *exam) checkBoot() {
	var waits, opens []string
	for _, f := range e.ours {
		s := f.Discovery.Source
		switch {
		case s.Kind == envoyconfig.Path || s.Kind == "":
		case s.FetchTimeout == 0:
			waits = append(waits, f.Name)
		default:
			opens = append(opens, fmt.Sprintf("%s (%s)", f.Name, s.FetchTimeout))
		}
		if s.Timeout == nil && s.Node != nil && (s.Kind == envoyconfig.ADS || s.Kind == envoyconfig.API) {
			e.warn(fieldKey(f.Discovery.Node, "config_source"), "no_fetch_timeout", fmt.Sprintf("the filter %q has no initial_fetch_timeout: when Envoy starts while the control plane "+
				"is away, the listener opens after 15 s without the filter, answers 500 to every request, and reports ready", f.Name),
				"choose one: with 0s the listener stays closed until the filter comes, and one filter without an answer keeps all listeners closed at boot; "+
					"with 15s it opens and answers 500", insertField(s.Node, "initial_fetch_timeout", "0s")...)
		}
	}
	if len(waits) > 0 {
		e.notes = append(e.notes, fmt.Sprintf("initial_fetch_timeout is 0s for %s: when Envoy starts while the control plane is away, one filter without an answer keeps "+
			"all listeners of the bootstrap closed; no request passes, and /ready answers 503", list(waits)))
	}
	if len(opens) > 0 {
		e.notes = append(e.notes, fmt.Sprintf("initial_fetch_timeout is set for %s: when Envoy starts while the control plane is away, the listener opens after that time "+
			"without the filter, answers 500 to every request, and reports ready", list(opens)))
	}
}

func list(names []string) string {
	seen := map[string]bool{}
	var all []string
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}
