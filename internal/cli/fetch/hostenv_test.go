package fetch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A flag has a single variable; the environment has a variable per line.
func TestHostEnvValues(t *testing.T) {
	h := HostEnv{lines: []string{"A=1", "B=x=y\nC=\r\n\n"}}
	got, err := h.Values()
	if diff := cmp.Diff(map[string]string{"A": "1", "B": "x=y", "C": ""}, got); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}
