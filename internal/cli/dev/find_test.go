package dev

import (
	"testing"
)

func TestVersionsAreComparedByNumber(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"1.9.0", "1.40.0", -1}, {"1.40.0", "1.39.3", 1}, {"1.40.0", "1.40.0", 0}, {"odd", "1.0.0", -1}} {
		if got := compareVersions(tt.a, tt.b); got != tt.want {
			t.Errorf("%s, %s: %d", tt.a, tt.b, got)
		}
	}
}
