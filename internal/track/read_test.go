package track

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestReadsThatNothingNeedsAreNotRepeated(t *testing.T) {
	r := newReads(testPauses)
	now := time.Unix(1000, 0)
	if !r.next().IsZero() || r.retry(now) {
		t.Error("without a read, one is repeated")
	}
	away := &spec.Error{Code: module.CodeDownloadFailed}
	a, b := r.get("a"), r.get("b")
	r.fail(a, away, now)
	r.fail(b, away, now)
	if first := r.next(); !first.After(now) || r.retry(now) {
		t.Errorf("the first is due at %v", first)
	}
	r.keep(map[*read]struct{}{a: {}})
	if len(r.retrying) != 1 || len(r.all) != 1 {
		t.Errorf("kept: %d of %d", len(r.retrying), len(r.all))
	}
	later := r.next()
	if !r.retry(later) || a.result != nil || !r.next().IsZero() {
		t.Error("the read is not repeated")
	}
	r.fail(a, away, later)
	if a.failures != 2 {
		t.Errorf("%d failures in a row", a.failures)
	}
	r.end(r.start(a, Job{Key: "a"}, later), Result{}, later)
	if a.failures != 0 || len(r.retrying) != 0 {
		t.Errorf("after a success: %d failures", a.failures)
	}
}

// A store that was full may have room again at once, and to try costs no other machine anything.
func TestAFullStoreIsTriedAgainSoon(t *testing.T) {
	full := pausesAfter(&spec.Error{Code: module.CodeStoreFailed}, testPauses).After(1)
	away := pausesAfter(&spec.Error{Code: module.CodeDownloadFailed}, testPauses).After(1)
	if full > 2*time.Second || away < 10*time.Second {
		t.Errorf("the pauses are %v for a full store and %v for a host that is away", full, away)
	}
}
