package preflight

import "strings"

// Versions are the Envoy versions that the sandbox knows, oldest first.
func Versions() []string { return []string{"1.36", "1.37", "1.38", "1.39", "1.40"} }

// minor is a version without its patch number.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}
