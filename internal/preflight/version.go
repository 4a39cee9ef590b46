package preflight

import (
	"strconv"
	"strings"
)

// restrictedSince is the version from which on little may be called during the start.
const restrictedSince = "1.39"

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

// older says whether version a comes before b. What is no number counts as 0.
func older(a, b string) bool {
	number := func(version string) (n [2]int) {
		for i, part := range strings.SplitN(version, ".", 3)[:min(2, strings.Count(version, ".")+1)] {
			n[i], _ = strconv.Atoi(part) // 0 is right for what is none
		}
		return n
	}
	x, y := number(a), number(b)
	return x[0] < y[0] || x[0] == y[0] && x[1] < y[1]
}
