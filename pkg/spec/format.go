package spec

// mayBeNull reports whether null has a meaning for a field.
func mayBeNull(path string) bool {
	return path == "config" || path == "vm.config" || path == "vm.runtime"
}

// sectionOf returns the section with a field of this name, or "" if no section has it.
func sectionOf(name string) string {
	switch name {
	case "file", "url", "oci", "sha256", "refresh", "pullSecret", "verify":
		return "module"
	case "keys", "identities", "trustedRoot", "attestations":
		return "module.verify"
	case "id", "runtime", "env", "hostEnv", "allowPrecompiled":
		return "vm"
	case "ids", "clusters", "metadata":
		return "nodes"
	case "canary", "steps", "soak", "pause", "deadline", "onDeadline", "health":
		return "rollout"
	case "minRequests", "traps", "errors", "denials", "latency", "bypassed", "metrics", "prometheus", "after":
		return "rollout.health"
	case "timePerRequest", "memory":
		return "limits"
	}
	return ""
}

// exampleOf returns an example of a section.
func exampleOf(path string) string {
	switch path {
	case "", "module":
		return "as in module: {file: ./filter.wasm}"
	case "module.verify":
		return "as in verify: {keys: [./cosign.pub]}"
	case "module.verify.identities":
		return "as in identities: [{subject: team@example.com, issuer: https://accounts.google.com}]"
	case "configFrom":
		return "as in configFrom: {file: ./config.json}"
	case "nodes":
		return "as in nodes: {ids: [edge-1]}"
	case "rollout":
		return "as in rollout: {canary: 10%}"
	case "rollout.health":
		return "as in health: {errors: 1%}, or health: {} for the defaults"
	case "vm.env":
		return "as in env: {KEY: value}"
	case "limits":
		return "as in limits: {timePerRequest: 1ms, memory: 16Mi}"
	}
	return ""
}
