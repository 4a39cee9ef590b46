package preflight

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Check reports whether the request's versions would load the module. When ctx ends, the check ends
// too, with a problem. Check is safe for concurrent use, and the limits bound the resources of each
// run.
func Check(ctx context.Context, r Request) Report {
	s := newInspected(r)
	s.smokes = true
	report := Report{}
	if s.inspect() {
		report.Logs = s.runs(ctx)
	}
	report.Problems, report.Warnings = s.found.Problems(), s.found.Warnings()
	report.OK = len(report.Problems) == 0
	return report
}

// runs runs the module for the remaining versions. The versions differ only in the functions that
// they call, and let the module call, during the start. So a single run serves all of them, unless
// it ends with a problem of some versions.
func (s *inspected) runs(ctx context.Context) []Log {
	var logs []Log
	for left := s.found.Loading(); left != nil; left = s.found.Loading() {
		run, problem := s.run(ctx, left)
		for _, r := range run.host.restricted {
			s.restricted(r)
		}
		rest := s.found.Loading()
		if problem != nil && problem.Code != finding.CodeRestrictedCallback && rest != nil {
			if problem.Versions == nil {
				problem.Versions = rest
			}
			s.found.Add(cause.With(*problem))
		}
		if problem == nil {
			s.warnAbout(ctx, run.host)
		}
		logs = append(run.logs, run.host.takeLogs()...)
		_ = run.close(ctx) // nothing was left in it
		if problem == nil {
			break
		}
	}
	return logs
}

// restricted returns the problem of the versions that restrict calls during a start.
func (s *inspected) restricted(r restriction) {
	hint := "" // the table's
	if r.function == envoy.ModuleEnv+".pthread_equal" {
		hint = "build the filter with a newer emscripten, whose C++ library does not call it; the filter's own code can stay"
	}
	s.found.Add(cause.With(finding.Problem{
		Step: finding.StepStart, Code: finding.CodeRestrictedCallback, Versions: r.versions, Detail: []string{r.function}, Hint: hint,
		Message: fmt.Sprintf("the module calls %s while it starts, which Envoy does not allow then", r.function),
	}))
}

// warnAbout looks for signs of a mistake in a module that loads. A C++ filter with an unknown root
// id loads and does nothing. If that is certain, and the failure policy lets no request pass, it is
// a problem.
func (s *inspected) warnAbout(ctx context.Context, h *host) {
	switch p := s.rootProblem(ctx, h); {
	case p != nil && s.request.FailurePolicy != spec.Open:
		p.Versions = s.found.Loading()
		s.found.Add(cause.With(*p))
	case p != nil:
		s.found.Warn(cause.With(*p))
	default:
		s.found.Warn(h.warnings()...)
	}
}

// rootProblem returns the problem of a root id that the module does not know.
func rootProblem(id string, known []string) *finding.Problem {
	quoted := make([]string, len(known))
	for i, one := range known {
		quoted[i] = strconv.Quote(one)
	}
	message := fmt.Sprintf("the filter does nothing under the rootId %q", id)
	if id == "" {
		message = "the filter does nothing without a rootId"
	}
	hint := "set rootId to one of these"
	switch {
	case len(known) == 1 && known[0] == "":
		hint = "remove rootId"
	case len(known) == 1:
		hint = "set rootId: " + known[0]
	}
	return &finding.Problem{
		Step: finding.StepConfigure, Code: finding.CodeRootIDUnknown, Hint: hint,
		Message: message + ", and every request would pass; it registers " + strings.Join(quoted, ", "),
	}
}

// warnings are likely mistakes, not certain ones.
func (h *host) warnings() []finding.Problem {
	if !h.readRootID || h.readConfig || h.request.PluginConfig == nil {
		return nil
	}
	message := "the filter asked for its root id, which the spec does not set, and then never read its configuration"
	if h.request.RootID != "" {
		message = fmt.Sprintf("the filter asked for its root id, which is %q, and then never read its configuration", h.request.RootID)
	}
	return []finding.Problem{cause.With(finding.Problem{
		Step: finding.StepConfigure, Code: finding.CodeRootIDUnknown, Message: message,
		Hint: "set rootId to what the filter registers with RegisterContextFactory",
	})}
}
