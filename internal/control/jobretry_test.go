package control

import (
	"testing"
	"time"
)

func TestJobsThatNobodyWantsAreNotTriedAgain(t *testing.T) {
	var j jobRetries
	now := time.Unix(1000, 0)
	if !j.next().IsZero() || len(j.take(now)) != 0 {
		t.Error("the zero value has jobs")
	}
	j.failed("a", now)
	j.failed("b", now)
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
	j.failed("a", later)
	if j.failures["a"] != 2 {
		t.Errorf("%d failures in a row", j.failures["a"])
	}
	j.ended("a")
	if len(j.failures)+len(j.due) != 0 {
		t.Errorf("kept: %v, %v", j.failures, j.due)
	}
}
