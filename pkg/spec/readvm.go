package spec

import (
	"regexp"
	"strings"
)

// readVM reads the section vm.
func readVM(d *decoder, v *node, vm *VM) {
	var config *node // decoded last, because it depends on configType
	var hostEnv []*node
	d.section("vm", v, fields{
		"id":               func(_, v *node) { vm.ID, _ = d.filled("vm.id", v) },
		"runtime":          func(_, v *node) { vm.Runtime = readRuntime(d, v) },
		"config":           func(_, v *node) { config = v },
		"configType":       func(_, v *node) { vm.ConfigType = readConfigType(d, "vm.configType", v) },
		"env":              func(_, v *node) { vm.Env = readEnv(d, v) },
		"hostEnv":          func(_, v *node) { vm.HostEnv, hostEnv = d.set("vm.hostEnv", v), v.items },
		"allowPrecompiled": func(_, v *node) { vm.AllowPrecompiled = d.boolean("vm.allowPrecompiled", v) },
	})
	if typeKnown := vm.ConfigType != "" || d.seen["vm.configType"] == nil; config != nil && typeKnown {
		vm.Config, vm.ConfigType = readConfiguration(d, "vm.config", config, vm.ConfigType)
	}
	if key := d.seen["vm.configType"]; key != nil && !d.has("vm.config") {
		d.fail(&Error{
			Code: CodeConflict, Message: "vm.configType has no meaning without vm.config",
			Hint: "remove it, or add the configuration", Pos: key.pos,
		})
	}
	for _, name := range hostEnv {
		if name.text != "" {
			checkEnvName(d, "vm.hostEnv", name)
		}
	}
	checkEnv(d, vm.Env, hostEnv)
}

const runtimePrefix = "envoy.wasm.runtime."

// NullRuntime is the runtime of code that is compiled into Envoy. The module's bytes are then the
// name of a plugin, not Wasm. See [VM.Runtime].
const NullRuntime = runtimePrefix + "null"

var fullRuntime = regexp.MustCompile(`^envoy\.wasm\.runtime\.[a-z0-9_.]+$`)

// readRuntime reads a short or full name of a runtime, and returns the full name.
func readRuntime(d *decoder, v *node) string {
	if v.kind == kindNull && strings.EqualFold(v.text, "null") {
		return NullRuntime // YAML reads the runtime's name null as no string
	}
	text, ok := d.str("vm.runtime", v)
	if !ok || fullRuntime.MatchString(text) {
		return text
	}
	known := []string{"v8", "wamr", "wasmtime", "null"}
	for _, name := range known {
		if text == name {
			return runtimePrefix + name
		}
	}
	d.badChoice("vm.runtime", v, known)
	return ""
}

// readEnv reads environment variables. Its errors quote no value, because a value may be a secret.
func readEnv(d *decoder, v *node) map[string]string {
	if !d.is("vm.env", v, kindMap) {
		return nil
	}
	env := make(map[string]string, len(v.entries))
	for _, e := range v.entries {
		name, ok := d.str("a name in vm.env", e.key)
		if !ok {
			continue
		}
		if _, twice := env[name]; twice {
			d.fail(&Error{
				Code: CodeDuplicateKey, Message: "vm.env has " + brief(name) + " twice",
				Hint: "remove one of the two", Pos: e.key.pos,
			})
		}
		checkEnvName(d, "vm.env", e.key)
		env[name], _ = d.str("vm.env."+brief(name), e.value)
	}
	return env
}

// checkEnvName checks the name of an environment variable.
func checkEnvName(d *decoder, path string, name *node) {
	switch {
	case name.kind != kindString:
	case name.text == "":
		d.failf(CodeBadValue, name, "%s has an empty name", path)
	case strings.Contains(name.text, "="):
		before, _, _ := strings.Cut(name.text, "=") // the value may be a secret
		d.failf(CodeBadValue, name, "%s has the name \"%s=…\", and a name cannot contain =", path, brief(before))
	}
}

// checkEnv checks that no variable is in both env and hostEnv.
func checkEnv(d *decoder, env map[string]string, hostEnv []*node) {
	for _, name := range hostEnv {
		if _, given := env[name.text]; given && name.kind == kindString && name.text != "" {
			d.fail(&Error{
				Code: CodeConflict, Message: brief(name.text) + " is both in vm.env and in vm.hostEnv, which Envoy refuses",
				Hint: "remove one of the two", Pos: name.pos,
			})
		}
	}
}
