package preflight

import (
	"strconv"
	"strings"
)

// mainVoidSince is the first version that calls __main_void. 1.37 does not, and 1.39 does; no build
// of 1.38 was available for a test.
const mainVoidSince = "1.38"

// Versions are the Envoy versions that the sandbox knows, oldest first.
func Versions() []string { return []string{"1.36", "1.37", "1.38", "1.39", "1.40"} }

// minor returns a version without its patch number.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}

// older reports whether version a comes before b. A part that is no number counts as 0.
func older(a, b string) bool {
	number := func(version string) (n [2]int) {
		for i, part := range strings.SplitN(version, ".", 3)[:min(2, strings.Count(version, ".")+1)] {
			n[i], _ = strconv.Atoi(part) // 0 stands for a part that is no number
		}
		return n
	}
	x, y := number(a), number(b)
	return x[0] < y[0] || x[0] == y[0] && x[1] < y[1]
}

// since returns the versions that do not come before another, or nil.
func since(versions []string, first string) []string {
	var later []string
	for _, v := range versions {
		if !older(v, first) {
			later = append(later, v)
		}
	}
	return later
}
