package preflight

import (
	"context"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// What a module writes as headers is read as a whole or not at all, and comes
// back as it was.
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

// No bytes whatever bring the check down, or keep it busy.
func FuzzCheck(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	f.Add(testfilter.HTTP{Stamp: "v1"}.Module())
	f.Add(testfilter.HTTP{Stamp: "v1", EchoConfig: true, EchoEnv: "A"}.Module())
	f.Add(testfilter.Network{Stamp: "v1"}.Module())
	f.Add(testfilter.Garbage("v1"))
	f.Add(testfilter.NoMemory("v1"))
	f.Fuzz(func(t *testing.T, module []byte) {
		r := Check(context.Background(), Request{
			Module: module,
			Limits: Limits{Step: 50 * time.Millisecond, Memory: 64, HostCalls: 1000, Logs: 10},
		})
		if r.OK != (len(r.Problems) == 0) || len(r.Logs) > 11 {
			t.Errorf("%+v", r)
		}
	})
}
