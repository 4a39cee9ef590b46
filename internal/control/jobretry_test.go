package control

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestJobsThatNobodyWantsAreNotTriedAgain(t *testing.T) {
	var j jobRetries
	now := time.Unix(1000, 0)
	if !j.next().IsZero() || len(j.take(now)) != 0 {
		t.Error("the zero value has jobs")
	}
	j.failed("a", retryPauses, now)
	j.failed("b", retryPauses, now)
	first := j.next()
	if !first.After(now) || len(j.take(now)) != 0 {
		t.Errorf("the first is due at %v", first)
	}
	j.keep(map[string]struct{}{"a": {}})
	if len(j.failures) != 1 || len(j.due) != 1 {
		t.Errorf("kept: %v, %v", j.failures, j.due)
	}
	later := j.due["a"]
	if keys := j.take(later); len(keys) != 1 || keys[0] != "a" || !j.next().IsZero() {
		t.Errorf("taken: %v", keys)
	}
	j.failed("a", retryPauses, later)
	if j.failures["a"] != 2 {
		t.Errorf("%d failures in a row", j.failures["a"])
	}
	j.ended("a")
	if len(j.failures)+len(j.due) != 0 {
		t.Errorf("kept: %v, %v", j.failures, j.due)
	}
}

// A store that was full may have room again at once, and to try costs no other machine anything.
func TestAFullStoreIsTriedAgainSoon(t *testing.T) {
	full := pausesAfter(&spec.Error{Code: module.CodeStoreFailed}).After(1)
	away := pausesAfter(&spec.Error{Code: module.CodeDownloadFailed}).After(1)
	if full > 2*time.Second || away < 10*time.Second {
		t.Errorf("the pauses are %v for a full store and %v for a host that is away", full, away)
	}
}
