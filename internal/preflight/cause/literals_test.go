package cause

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLiterals(t *testing.T) {
	for pattern, want := range map[string][]string{
		`(?:one|two)`: {"one", "two"},
		`a*`:          nil,
		`(?:ab)+c?`:   {"ab"},
		`(?:one|.*)`:  nil,
		`x{2,3}`:      {"x"},
	} {
		if diff := cmp.Diff(want, literalsOf(pattern)); diff != "" {
			t.Errorf("%s: %s", pattern, diff)
		}
	}
	for _, r := range rows() {
		if r.text != nil && len(r.literals) == 0 {
			t.Errorf("%s: every line has to be matched against it", r.code)
		}
	}
}
