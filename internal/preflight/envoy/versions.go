package envoy

import (
	"strconv"
	"strings"
)

// The first versions with a change.
const (
	// MainVoidSince calls __main_void. 1.37 does not, and 1.39 does; no build of 1.38 was available
	// for a test.
	MainVoidSince = "1.38"
	// PollSince has a working poll_oneoff.
	PollSince = "1.39"
)

// Versions are the Envoy versions that the sandbox knows, oldest first.
func Versions() []string { return []string{"1.36", "1.37", "1.38", "1.39", "1.40"} }

// Minor returns a version of Envoy without its patch number.
func Minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}

// Older reports whether version a comes before b. A part that is no number counts as 0.
func Older(a, b string) bool {
	number := func(version string) (n [2]int) {
		for i, part := range strings.SplitN(version, ".", 3)[:min(2, strings.Count(version, ".")+1)] {
			n[i], _ = strconv.Atoi(part) // 0 stands for a part that is no number
		}
		return n
	}
	x, y := number(a), number(b)
	return x[0] < y[0] || x[0] == y[0] && x[1] < y[1]
}

// Since returns the versions that do not come before another one; nil: none.
func Since(versions []string, first string) []string {
	var later []string
	for _, v := range versions {
		if !Older(v, first) {
			later = append(later, v)
		}
	}
	return later
}
