package examine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// What vm.hostEnv names has its value in the environment of each Envoy, which nobody here
// knows unless the user says it. The sandbox leaves the other names out, as Envoy does with those that
// are not set. A filter that fails then may do well in Envoy: it is warned of. What would hang Envoy or take
// its memory stays refused, and so does what is wrong before any of the module has run.

// WithHostEnv is the spec as the sandbox is to try it when values of vm.hostEnv are known: those
// names are variables of vm.env then. It is s where it names none of them.
// See docs/RATIONALE.md#which-values-does-vmhostenv-have-in-the-sandbox.
func WithHostEnv(s *spec.Spec, values map[string]string) *spec.Spec {
	if !slices.ContainsFunc(s.VM.HostEnv, func(name string) bool { _, known := values[name]; return known }) {
		return s
	}
	tried := *s
	tried.VM.Env, tried.VM.HostEnv = maps.Clone(s.VM.Env), nil
	if tried.VM.Env == nil {
		tried.VM.Env = map[string]string{}
	}
	for _, name := range s.VM.HostEnv {
		if value, known := values[name]; known {
			tried.VM.Env[name] = value
		} else {
			tried.VM.HostEnv = append(tried.VM.HostEnv, name)
		}
	}
	return &tried
}

// doubts takes what may be for want of vm.hostEnv out of the problems.
func doubts(s *spec.Spec, problems []preflight.Problem) (left, doubtful []preflight.Problem) {
	for _, p := range problems {
		if !doubted(s, p.Step, p.Code) {
			left = append(left, p)
			continue
		}
		p.Hint = HostEnvHint(s)
		doubtful = append(doubtful, p)
	}
	return left, doubtful
}

func doubted(s *spec.Spec, step preflight.Step, code string) bool {
	runs := []preflight.Step{preflight.StepStart, preflight.StepVMStart, preflight.StepConfigure, preflight.StepStream}
	certain := []string{
		preflight.CodeTimeout, preflight.CodeHostCalls, preflight.CodeMemoryLimit,
		preflight.CodeRestrictedCallback,
	}
	return len(s.VM.HostEnv) > 0 && slices.Contains(runs, step) && !slices.Contains(certain, code)
}

// HostEnvHint says why a problem of the filter may be none in Envoy.
func HostEnvHint(s *spec.Spec) string {
	return fmt.Sprintf("the sandbox has no values for vm.hostEnv (%s), which are in Envoy's environment, so this may be for "+
		"want of them and nothing is refused for it; if the filter does not need them, it is wrong; --host-env NAME=VALUE gives the sandbox one",
		strings.Join(s.VM.HostEnv, ", "))
}

// Doubtful are the tests that failed, perhaps for want of vm.hostEnv: they are warned of.
func (r Result) Doubtful() []preflight.TestResult {
	return r.testsThat(func(t preflight.TestResult) bool { return !t.OK && t.Doubtful })
}

// Doubts are the spec's warnings of the tests that are [Result.Doubtful].
func (r Result) Doubts(s *spec.Spec) []*spec.Error {
	var all []*spec.Error
	for _, t := range r.Doubtful() {
		e := testError(s, t)
		e.Hint = HostEnvHint(s)
		all = append(all, e)
	}
	return all
}
