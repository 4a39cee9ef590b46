package preflight

import "strings"

// exception is a module with an intended difference between the sandbox and Envoy.
type exception struct {
	name   string // of the case; a final * matches every rest
	fate   string
	reason string
}

func exceptions() []exception {
	return []exception{
		{"malformed/two memories", loads, "wazero does not know several memories, and no toolchain makes them for filters"},
		{"feature/relaxed simd", loads, "wazero does not know it; compilers use it only where they are told to"},
		{"feature/64-bit memory", loads, "wazero does not know it, and Envoy's host functions take addresses of 32 bits"},
	}
}

func exceptionFor(name, _ string) (exception, bool) {
	for _, e := range exceptions() {
		prefix, several := strings.CutSuffix(e.name, "*")
		if e.name == name || several && strings.HasPrefix(name, prefix) {
			return e, true
		}
	}
	return exception{}, false
}
