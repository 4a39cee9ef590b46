package host

import (
	"testing"
)

// The host reads a module's header pairs as a whole or not at all, and pairs do not change on the
// way.
func FuzzPairs(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0})
	f.Add(encodePairs([]Header{{":path", "/"}, {"a", ""}, {"a", "b"}}))
	f.Add([]byte{1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0})
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		headers, err := decodePairs(b)
		if err != nil {
			if headers != nil {
				t.Error("headers and an error")
			}
			return
		}
		again, err := decodePairs(encodePairs(headers))
		if err != nil || len(again) != len(headers) {
			t.Fatalf("%v comes back as %v, %v", headers, again, err)
		}
		for i := range again {
			if again[i] != headers[i] {
				t.Errorf("%v comes back as %v", headers[i], again[i])
			}
		}
	})
}
