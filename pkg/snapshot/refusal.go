package snapshot

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Refusal says that some versions of Envoy would not load a revision although others
// do, as a sandbox has found. It is immutable.
type Refusal struct {
	// Versions are without a patch number, 1.36, the oldest first; never empty.
	Versions []string `json:"versions"`
	// AndLater extends it to every version after the last of Versions: the newest that
	// the sandbox knows is among them.
	AndLater bool   `json:"andLater,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// Concerns says whether an Envoy of this version, 1.36.4, is refused. An unknown
// version, "" or one that nobody has tried, is not.
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

// minorOf are a version's first two numbers.
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

// RefusalFor is what is known to keep the revision from an Envoy of this version; nil: nothing.
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
