package suite

import (
	"math"
	"testing"
)

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[99-i] = float64(i)
	}
	for _, tt := range []struct {
		samples []float64
		q, want float64
	}{
		{hundred, 0.5, 50}, {hundred, 0.99, 99}, {hundred, 1, 99}, {hundred, 0, 0}, {[]float64{7}, 0.99, 7},
	} {
		if got := Quantile(tt.samples, tt.q); got != tt.want {
			t.Errorf("quantile %v of %d samples: %v, want %v", tt.q, len(tt.samples), got, tt.want)
		}
	}
	if !math.IsNaN(Quantile(nil, 0.5)) {
		t.Error("a quantile of nothing")
	}
}
