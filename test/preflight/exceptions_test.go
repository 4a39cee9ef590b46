package preflight

import "strings"

// exception is a module of which the sandbox says something else than an Envoy
// does, and why that is right.
type exception struct {
	name   string // of the case; a * at the end stands for anything
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
