// Package preflight runs a Proxy-Wasm module as Envoy would, with its real configuration, before
// any Envoy sees the module. It finds modules that would not load, crash Envoy or hang it, and
// names the cause.
//
// [Check] is the check: its [Report] says for each version of Envoy whether the module loads. The
// parts of the sandbox are packages below this one, lowest first:
//
//   - envoy: facts about Envoy: versions, host functions, callbacks, capabilities
//   - wasmbin: reads the binary format
//   - finding: problems, their steps and their codes
//   - cause: the table that turns a problem, or a line of Envoy's log, into a remedy
//   - static: looks at a module without running it; the description for `wasm-xds inspect`
//   - engine: wazero within bounds
//   - host: Proxy-Wasm's host functions, streams and connections: Envoy's side of a running module
//   - sandbox: requests, decoded modules that are kept, and runs
//   - traffic: sends the traffic of tests through a module
//   - rootid: the root ids that a module knows
//   - runner: runs the tests of a spec, and compares
//   - profile: the cost of requests, and the limits on it
//
// Each package imports only packages above it in this list. They reach neither the network nor the
// file system, and bound the time and memory of every step.
//
// Sources of the facts: the specification of Proxy-Wasm (proxy-wasm/spec), proxy-wasm-cpp-host, and
// Envoy's source/extensions/common/wasm. Where these leave a question open, test/preflight and
// test/filtertests compare the sandbox with real Envoys; docs/envoy-behaviour.md has the answers.
package preflight

import (
	"context"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/rootid"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Report says whether a module would load.
type Report struct {
	// OK means every requested version would load the module.
	OK bool
	// Problems are in the order of the steps. A problem of all versions ends the check; a problem
	// of some versions does not.
	Problems []finding.Problem
	// Warnings are no reason to refuse the module.
	Warnings []finding.Problem
	// Logs are the module's log lines during start and configuration. If the module fails with the
	// traffic of Smoke, Logs also has the lines before the failure.
	Logs []host.Log
}

// Refused reports whether an Envoy of this version would refuse the module, crash or hang.
func (r Report) Refused(version string) bool {
	for _, p := range r.Problems {
		if p.Concerns(version) {
			return true
		}
	}
	return false
}

// Check reports whether the request's versions would load the module. smoke selects the traffic
// that Check sends through the configured module. When ctx ends, the check ends too, with a
// problem. Check is safe for concurrent use, and the limits bound the resources of each run.
func Check(ctx context.Context, r sandbox.Request, smoke Smoke) Report {
	c := sandbox.Inspect(r)
	report := Report{}
	if !c.Found().Fatal() {
		report.Logs = runs(ctx, c, smoke)
	}
	report.Problems, report.Warnings = c.Found().Problems(), c.Found().Warnings()
	report.OK = len(report.Problems) == 0
	return report
}

// runs runs the module for the remaining versions. The versions differ only in the functions that
// they call, and let the module call, during the start. So a single run serves all of them, unless
// it ends with a problem of some versions.
func runs(ctx context.Context, c *sandbox.Candidate, smoke Smoke) []host.Log {
	var logs []host.Log
	found := c.Found()
	for left := found.Loading(); left != nil; left = found.Loading() {
		first := &smokes{kind: c.Request().Type, smoke: smoke}
		vm, problem := c.Run(ctx, left, first.send)
		for _, r := range vm.Restrictions() {
			found.Add(restricted(r))
		}
		rest := found.Loading()
		if problem != nil && problem.Code != finding.CodeRestrictedCallback && rest != nil {
			if problem.Versions == nil {
				problem.Versions = rest
			}
			found.Add(cause.With(*problem))
		}
		if problem == nil {
			warnAbout(ctx, c, vm)
		}
		logs = append(first.startLogs(vm), vm.Logs()...)
		_ = vm.Close(ctx) // nothing was left in it
		if problem == nil {
			break
		}
	}
	return logs
}

// restricted returns the problem of the versions that restrict calls during a start.
func restricted(r host.Restriction) finding.Problem {
	hint := "" // the table's
	if r.Function == envoy.ModuleEnv+".pthread_equal" {
		hint = "build the filter with a newer emscripten, whose C++ library does not call it; the filter's own code can stay"
	}
	return cause.With(finding.Problem{
		Step: finding.StepStart, Code: finding.CodeRestrictedCallback, Versions: r.Versions, Detail: []string{r.Function}, Hint: hint,
		Message: fmt.Sprintf("the module calls %s while it starts, which Envoy does not allow then", r.Function),
	})
}

// warnAbout looks for signs of a mistake in a module that loads. A C++ filter with an unknown root
// id loads and does nothing. If that is certain, and the failure policy lets no request pass, it is
// a problem.
func warnAbout(ctx context.Context, c *sandbox.Candidate, vm *sandbox.VM) {
	request := c.Request()
	switch p := rootid.Check(ctx, c, vm); {
	case p != nil && request.FailurePolicy != spec.Open:
		p.Versions = c.Found().Loading()
		c.Found().Add(cause.With(*p))
	case p != nil:
		c.Found().Warn(cause.With(*p))
	case vm.AskedForRootID() && !vm.ReadConfig() && request.PluginConfig != nil:
		c.Found().Warn(cause.With(unreadConfig(request.RootID)))
	}
}

// unreadConfig returns the warning about a filter that ignores its configuration: a likely mistake,
// not a certain one.
func unreadConfig(rootID string) finding.Problem {
	message := "the filter asked for its root id, which the spec does not set, and then never read its configuration"
	if rootID != "" {
		message = fmt.Sprintf("the filter asked for its root id, which is %q, and then never read its configuration", rootID)
	}
	return finding.Problem{
		Step: finding.StepConfigure, Code: finding.CodeRootIDUnknown, Message: message,
		Hint: "set rootId to what the filter registers with RegisterContextFactory",
	}
}
