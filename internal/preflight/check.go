package preflight

import (
	"context"
	"fmt"
)

// Check says whether the request's versions would load the module. When ctx
// ends, so does the check, with a problem. It may run in any number of
// goroutines at a time; what a module may use bounds what each takes.
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

// inspect are the steps between parsing and running.
func (s *static) inspect() {
	s.checkABI()
	s.checkImports()
	s.checkExports()
	s.checkMemory()
}

// runs runs the module for the versions that are left. They differ in what they
// call and let be called during the start only, so that one run does for all,
// unless it ends with what concerns some.
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
			s.warnings = append(s.warnings, run.host.warnings()...)
		}
		logs = append(run.logs, run.host.takeLogs()...)
		_ = run.close(ctx) // nothing was left in it
		if problem == nil {
			break
		}
	}
	return logs
}

// restricted is the problem of the versions that restrict what a start may call.
func (s *static) restricted(r restriction) {
	s.add(Problem{
		Step: StepStart, Code: CodeRestrictedCallback, Versions: r.versions, Detail: []string{r.function},
		Message: fmt.Sprintf("the module calls %s while it starts, which Envoy does not allow then", r.function),
	})
}

// warnings are what a module that loads shows of a mistake. A C++ filter whose
// root id is unknown loads, and does nothing.
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
