package examine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The variables of vm.hostEnv have their values in the environment of each Envoy. They are unknown
// here unless the user gives them. The sandbox leaves unknown variables out, as Envoy does with
// unset ones. A filter that then fails may work in Envoy, so the sandbox only warns. It still
// refuses a filter that would hang Envoy or exhaust its memory, and a filter with a problem before
// any of the module has run.

// WithHostEnv returns the spec for the sandbox if values of vm.hostEnv are known: these names
// become variables of vm.env. It returns s if vm.hostEnv has none of the names.
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

// doubts removes the problems that may come from missing variables of vm.hostEnv.
func doubts(s *spec.Spec, problems []finding.Problem) (left, doubtful []finding.Problem) {
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

func doubted(s *spec.Spec, step finding.Step, code string) bool {
	runs := []finding.Step{finding.StepStart, finding.StepVMStart, finding.StepConfigure, finding.StepStream}
	certain := []string{
		finding.CodeTimeout, finding.CodeHostCalls, finding.CodeMemoryLimit,
		finding.CodeRestrictedCallback,
	}
	return len(s.VM.HostEnv) > 0 && slices.Contains(runs, step) && !slices.Contains(certain, code)
}

// HostEnvHint says why a problem of the filter may not exist in Envoy.
func HostEnvHint(s *spec.Spec) string {
	return fmt.Sprintf("the sandbox has no values for vm.hostEnv (%s), which are in Envoy's environment, so this may be for "+
		"want of them and nothing is refused for it; if the filter does not need them, it is wrong; --host-env NAME=VALUE gives the sandbox one",
		strings.Join(s.VM.HostEnv, ", "))
}
