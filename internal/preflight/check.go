package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Check says whether the request's versions would load the module. When ctx
// ends, so does the check, with a problem. It may run in any number of
// goroutines at a time; what a module may use bounds what each takes.
func Check(ctx context.Context, r Request) Report {
	s := newStatic(r)
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
	return &static{request: r, versions: versions, table: newHostTable()}
}

// inspect are the steps between parsing and running.
func (s *static) inspect() {
	s.checkABI()
	s.checkImports()
	s.checkExports()
	s.checkMemory()
}

// runs runs the module for the versions that are left. Those differ in nothing
// but what may be called during the start: one run does, unless a module calls
// what only older ones allow.
func (s *static) runs(ctx context.Context) []Log {
	if s.binary.tables > 0 || slices.ContainsFunc(s.binary.info.Memories, func(m Memory) bool { return m.Imported }) {
		s.add(Problem{
			Step: StepImports, Code: CodeImportKind,
			Message: "the module imports its memory or its table: Envoy would make them, the sandbox cannot",
			Hint:    "have the linker define them: without --import-memory and --import-table",
		})
		return nil
	}
	left := s.loading()
	strict := !slices.ContainsFunc(left, func(v string) bool { return older(v, restrictedSince) })
	run, problem := s.run(ctx, strict)
	defer func() { _ = run.close(ctx) }() // nothing was left in it
	if restricted := run.host.restricted; restricted != nil {
		s.restricted(left, restricted)
	}
	if rest := s.loading(); problem != nil && problem.Code != CodeRestrictedCallback && rest != nil {
		problem.Versions = rest
		s.add(*problem)
	}
	if problem == nil {
		s.warnings = append(s.warnings, run.host.warnings()...)
	}
	return run.host.takeLogs()
}

// restricted is the problem of the versions that restrict what a start may call.
func (s *static) restricted(left, names []string) {
	var concerned []string
	for _, v := range left {
		if !older(v, restrictedSince) {
			concerned = append(concerned, v)
		}
	}
	if concerned != nil {
		s.add(Problem{
			Step: StepStart, Code: CodeRestrictedCallback, Versions: concerned, Detail: names,
			Message: fmt.Sprintf("the module calls %s while it starts, which Envoy allows up to 1.38 only", strings.Join(names, ", ")),
		})
	}
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
