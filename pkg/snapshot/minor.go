package snapshot

import (
	"strconv"
	"strings"
)

// minor is a version of Envoy without the patch number: 1.36 is {1, 36}.
type minor [2]int

// less says whether v is older than w.
func (v minor) less(w minor) bool { return v[0] < w[0] || v[0] == w[0] && v[1] < w[1] }

// minorOf returns the first two numbers of a version.
func minorOf(version string) (v minor, ok bool) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < len(v) {
		return v, false
	}
	for i := range v {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}
