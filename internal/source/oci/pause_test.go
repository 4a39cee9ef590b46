package oci

import (
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	for _, test := range []struct {
		refresh, atLeast time.Duration
		random           float64
		want             time.Duration
	}{
		{time.Minute, 0, 0, 54 * time.Second},
		{time.Minute, 0, 0.5, time.Minute},
		{time.Minute, 0, 1, 66 * time.Second},
		{time.Minute, time.Hour, 0.5, time.Hour},
		{time.Minute, time.Second, 0.5, time.Minute},
	} {
		if got := untilNext(test.refresh, test.atLeast, test.random); got != test.want {
			t.Errorf("untilNext(%v, %v, %v) = %v, want %v", test.refresh, test.atLeast, test.random, got, test.want)
		}
	}
}
