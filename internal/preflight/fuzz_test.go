package preflight

import (
	"context"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// No bytes whatever bring the check down, or keep it busy.
func FuzzCheck(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	f.Add(testfilter.HTTP{Stamp: "v1"}.Module())
	f.Add(testfilter.HTTP{Stamp: "v1", EchoConfig: true, EchoEnv: "A"}.Module())
	f.Add(testfilter.Network{Stamp: "v1"}.Module())
	f.Add(testfilter.Garbage("v1"))
	f.Add(testfilter.NoMemory("v1"))
	f.Fuzz(func(t *testing.T, module []byte) {
		r := Check(context.Background(), sandbox.Request{
			Module: module,
			Limits: sandbox.Limits{Step: 50 * time.Millisecond, Memory: 64, HostCalls: 1000, Logs: 10},
		}, SmokeRequest)
		if r.OK != (len(r.Problems) == 0) || len(r.Logs) > 11 {
			t.Errorf("%+v", r)
		}
	})
}
