package preflight

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Check reports whether the request's versions would load the module. When ctx ends, the check ends
// too, with a problem. Check is safe for concurrent use, and the limits bound the resources of each
// run.
func Check(ctx context.Context, r Request) Report {
	s := newStatic(r)
	s.smokes = true
	report := Report{}
	if s.parse() {
		report.Info = s.binary.info
		s.inspect()
		if !s.fatal() {
			report.Logs = s.runs(ctx)
		}
	}
	report.Problems, report.Warnings = s.problems, s.warnings
	report.OK = len(s.problems) == 0
	return report
}

func newStatic(r Request) *static {
	versions := r.Versions
	if versions == nil {
		versions = Versions()
	}
	return &static{request: r, versions: versions, table: hostFunctions()}
}

// inspect runs the steps between parsing and running.
func (s *static) inspect() {
	s.checkABI()
	s.checkImports()
	s.checkExports()
	s.checkMemory()
}

// runs runs the module for the remaining versions. The versions differ only in the functions that
// they call, and let the module call, during the start. So a single run serves all of them, unless
// it ends with a problem of some versions.
func (s *static) runs(ctx context.Context) []Log {
	var logs []Log
	for left := s.loading(); left != nil; left = s.loading() {
		run, problem := s.run(ctx, left)
		for _, r := range run.host.restricted {
			s.restricted(r)
		}
		rest := s.loading()
		if problem != nil && problem.Code != CodeRestrictedCallback && rest != nil {
			if problem.Versions == nil {
				problem.Versions = rest
			}
			s.add(*problem)
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
func (s *static) restricted(r restriction) {
	hint := "" // the table's
	if r.function == moduleEnv+".pthread_equal" {
		hint = "build the filter with a newer emscripten, whose C++ library does not call it; the filter's own code can stay"
	}
	s.add(Problem{
		Step: StepStart, Code: CodeRestrictedCallback, Versions: r.versions, Detail: []string{r.function}, Hint: hint,
		Message: fmt.Sprintf("the module calls %s while it starts, which Envoy does not allow then", r.function),
	})
}

// warnAbout looks for signs of a mistake in a module that loads. A C++ filter with an unknown root
// id loads and does nothing. If that is certain, and the failure policy lets no request pass, it is
// a problem.
func (s *static) warnAbout(ctx context.Context, h *host) {
	switch p := s.rootProblem(ctx, h); {
	case p != nil && s.request.FailurePolicy != spec.Open:
		p.Versions = s.loading()
		s.add(*p)
	case p != nil:
		s.warnings = append(s.warnings, withCause(*p))
	default:
		s.warnings = append(s.warnings, h.warnings()...)
	}
}

// rootProblem returns the problem of a root id that the module does not know.
func rootProblem(id string, known []string) *Problem {
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
	return &Problem{
		Step: StepConfigure, Code: CodeRootIDUnknown, Hint: hint,
		Message: message + ", and every request would pass; it registers " + strings.Join(quoted, ", "),
	}
}

// warnings are likely mistakes, not certain ones.
func (h *host) warnings() []Problem {
	if !h.readRootID || h.readConfig || h.request.PluginConfig == nil {
		return nil
	}
	message := "the filter asked for its root id, which the spec does not set, and then never read its configuration"
	if h.request.RootID != "" {
		message = fmt.Sprintf("the filter asked for its root id, which is %q, and then never read its configuration", h.request.RootID)
	}
	return []Problem{withCause(Problem{
		Step: StepConfigure, Code: CodeRootIDUnknown, Message: message,
		Hint: "set rootId to what the filter registers with RegisterContextFactory",
	})}
}
