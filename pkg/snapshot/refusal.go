package snapshot

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Refusal says that some versions of Envoy would not load a revision, although other versions do.
// The sandbox finds refusals. A Refusal is immutable.
type Refusal struct {
	// Versions are versions without a patch number, such as 1.36, the oldest first. Never empty.
	Versions []string `json:"versions"`
	// AndLater extends the refusal to every version after the last of Versions. It is set if the
	// newest version that the sandbox knows is among Versions.
	AndLater bool   `json:"andLater,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// Concerns reports whether the refusal applies to an Envoy version such as 1.36.4. It does not
// apply to an unknown version: "", or a version that the sandbox does not know.
func (r Refusal) Concerns(version string) bool {
	v, ok := minorOf(version)
	if !ok {
		return false
	}
	if slices.ContainsFunc(r.Versions, func(text string) bool { known, _ := minorOf(text); return known == v }) {
		return true
	}
	last, ok := minorOf(r.Versions[len(r.Versions)-1])
	return r.AndLater && ok && (v[0] > last[0] || v[0] == last[0] && v[1] > last[1])
}

// minorOf returns the first two numbers of a version.
func minorOf(version string) (v [2]int, ok bool) {
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

// RefusalFor returns the refusal for an Envoy version, or nil if there is none.
func (r *Revision) RefusalFor(version string) *Refusal {
	for i := range r.Refusals {
		if r.Refusals[i].Concerns(version) {
			return &r.Refusals[i]
		}
	}
	return nil
}

func equalRefusals(a, b *Revision) bool {
	if a == nil || b == nil || len(a.Refusals)+len(b.Refusals) == 0 {
		return true
	}
	return reflect.DeepEqual(a.Refusals, b.Refusals)
}
