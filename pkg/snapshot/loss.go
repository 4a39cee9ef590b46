package snapshot

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Loss is a setting of a revision that is newer than an Envoy. The Envoy ignores the field without
// an error.
type Loss struct {
	Setting spec.Setting
	Wants   string // as the spec has it, failurePolicy: reload
	Since   string // the first version of Envoy that obeys, 1.33
	Effect  string // how an older Envoy behaves, as a clause
}

// The first versions of Envoy that obey a setting. Envoy's release notes and the fields of its
// wasm.proto say so.
const (
	sinceCapabilities  = "1.18" // PluginConfig.capability_restriction_config
	sinceEnv           = "1.18" // VmConfig.environment_variables
	sinceFailurePolicy = "1.33" // PluginConfig.failure_policy; fail_open says open and closed before
	sinceStopIteration = "1.35" // PluginConfig.allow_on_headers_stop_iteration
)

// concerns says whether an Envoy of version v is too old for the setting.
func (l Loss) concerns(v minor) bool {
	since, _ := minorOf(l.Since)
	return v.less(since)
}

// demands are the settings of a revision that not every Envoy obeys. failurePolicy open and closed
// are no demands, because every Envoy has fail_open for them. allowOnHeadersStopIteration false is
// no demand either, because an Envoy without the field behaves that way.
func demands(capabilities []string, vm VM, policy spec.FailurePolicy, stopIteration *bool) []Loss {
	var all []Loss
	if capabilities != nil {
		all = append(all, Loss{
			Setting: spec.SettingCapabilities, Wants: "capabilities", Since: sinceCapabilities,
			Effect: "the module may call every function of the host",
		})
	}
	if len(vm.Env) > 0 {
		all = append(all, Loss{
			Setting: spec.SettingEnv, Wants: "vm.env", Since: sinceEnv,
			Effect: "the module sees no environment variables",
		})
	}
	if len(vm.HostEnv) > 0 {
		all = append(all, Loss{
			Setting: spec.SettingHostEnv, Wants: "vm.hostEnv", Since: sinceEnv,
			Effect: "the module sees no environment variables",
		})
	}
	if policy == spec.Reload {
		all = append(all, Loss{
			Setting: spec.SettingFailurePolicy, Wants: "failurePolicy: reload", Since: sinceFailurePolicy,
			Effect: "a filter that fails is not reloaded, and refuses every request until a new revision comes",
		})
	}
	if stopIteration != nil && *stopIteration {
		all = append(all, Loss{
			Setting: spec.SettingStopIteration, Wants: "allowOnHeadersStopIteration: true", Since: sinceStopIteration,
			Effect: "a filter that stops at the headers does not get the body, and the request may hang",
		})
	}
	return all
}

// String names the version that the setting needs, and the behaviour of older Envoys.
func (l Loss) String() string {
	return fmt.Sprintf("`%s` needs Envoy %s; without it, %s", l.Wants, l.Since, l.Effect)
}
