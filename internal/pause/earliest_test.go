package pause_test

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/pause"
)

func TestEarliest(t *testing.T) {
	none, first, second := time.Time{}, time.Unix(1, 0), time.Unix(2, 0)
	for _, tt := range []struct {
		times []time.Time
		want  time.Time
	}{
		{nil, none},
		{[]time.Time{none, none}, none},
		{[]time.Time{none, second, first}, first},
		{[]time.Time{first, none, second}, first},
	} {
		if got := pause.Earliest(tt.times...); !got.Equal(tt.want) {
			t.Errorf("the earliest of %v is %v", tt.times, got)
		}
	}
}
