package snapshot

import (
	"reflect"
	"slices"
)

// Refusal says some versions of Envoy would not load a revision, although other versions do.
// The sandbox finds refusals. A Refusal is immutable.
type Refusal struct {
	// Versions are versions without a patch number, like 1.36, the oldest first. Never empty.
	Versions []string `json:"versions"`
	// AndLater extends the refusal to every version after the last of Versions. The sandbox sets
	// AndLater if Versions contains the newest version known to the sandbox.
	AndLater bool   `json:"andLater,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// Concerns reports whether the refusal applies to an Envoy version, for example 1.36.4. A refusal
// never applies to "" or to a version unknown to the sandbox.
func (r Refusal) Concerns(version string) bool {
	v, ok := minorOf(version)
	if !ok {
		return false
	}
	if slices.ContainsFunc(r.Versions, func(text string) bool { known, _ := minorOf(text); return known == v }) {
		return true
	}
	last, ok := minorOf(r.Versions[len(r.Versions)-1])
	return r.AndLater && ok && last.less(v)
}

func equalRefusals(a, b []Refusal) bool {
	return len(a)+len(b) == 0 || reflect.DeepEqual(a, b)
}
