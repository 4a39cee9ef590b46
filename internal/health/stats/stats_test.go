package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/health/stats"
)

// TestNewcombe compares the interval with the table II of Newcombe's paper (1998), method 10, where
// both bounds have 95 % together.
func TestNewcombe(t *testing.T) {
	for _, row := range []struct{ a, m, b, n, low, high float64 }{
		{56, 70, 48, 80, 0.0524, 0.3339},
		{9, 10, 3, 10, 0.1705, 0.8090},
		{6, 7, 2, 7, 0.0582, 0.8062},
		{5, 56, 0, 29, -0.0381, 0.1926},
		{0, 10, 0, 20, -0.1611, 0.2775},
		{0, 10, 0, 10, -0.2775, 0.2775},
		{10, 10, 0, 20, 0.6791, 1.0000},
		{10, 10, 0, 10, 0.6075, 1.0000},
	} {
		a, b := stats.Count{Hits: row.a, Of: row.m}, stats.Count{Hits: row.b, Of: row.n}
		if low := stats.Newcombe(a, b, 0.025); math.Abs(low-row.low) > 0.00006 {
			t.Errorf("%v: the lower bound is %.4f", row, low)
		}
		if high := -stats.Newcombe(b, a, 0.025); math.Abs(high-row.high) > 0.00006 {
			t.Errorf("%v: the upper bound is %.4f", row, high)
		}
	}
}

// TestStudentT compares the tail with the critical values that every textbook has.
func TestStudentT(t *testing.T) {
	for _, row := range []struct{ t, freedom, tail float64 }{
		{6.314, 1, 0.05},
		{2.015, 5, 0.05},
		{3.365, 5, 0.01},
		{5.893, 5, 0.001},
		{1.812, 10, 0.05},
		{4.144, 10, 0.001},
		{1.697, 30, 0.05},
		{3.646, 30, 0.0005},
	} {
		if tail := stats.StudentT(row.t, row.freedom); math.Abs(tail-row.tail) > row.tail/500 {
			t.Errorf("%v: %.6f", row, tail)
		}
	}
}

// TestSpend shows all looks together take no more than the risk.
func TestSpend(t *testing.T) {
	sum, number, looks := 0.0, 0, []int{}
	for n := range 100_000 {
		if look := stats.Look(n); look > 0 {
			if number++; look != number {
				t.Fatalf("look %d after %d stretches is the %dth", look, n, number)
			}
			sum += stats.Spend(0.01, look)
			looks = append(looks, n)
		}
	}
	if sum > 0.01 || sum < 0.009 {
		t.Errorf("the looks take %v", sum)
	}
	if looks[0] != 3 || len(looks) > 60 {
		t.Errorf("the looks are after %v", looks)
	}
}

// TestFalseAlarmsOfDifference draws sides that are alike, and counts how often the tests together
// are wrong: as requests independent of one another, in bursts, and with minutes that are alike.
func TestFalseAlarmsOfDifference(t *testing.T) {
	const alpha, rounds = 0.01, 3000
	for name, draw := range map[string]func(*rand.Rand) []stats.Pair{
		"independent": func(r *rand.Rand) []stats.Pair { return pairs(r, 30, 100, func(int) float64 { return 0.02 }, nil) },
		"few":         func(r *rand.Rand) []stats.Pair { return pairs(r, 6, 20, func(int) float64 { return 0.02 }, nil) },
		"shared bursts": func(r *rand.Rand) []stats.Pair {
			levels := make([]float64, 30)
			for i := range levels {
				if levels[i] = 0.01; r.IntN(6) == 0 {
					levels[i] = 0.4
				}
			}
			at := func(i int) float64 { return levels[i] }
			return pairs(r, 30, 100, at, at)
		},
		"own bursts": func(r *rand.Rand) []stats.Pair {
			burst := func(int) float64 {
				if r.IntN(6) == 0 {
					return 0.4
				}
				return 0.01
			}
			return pairs(r, 30, 100, burst, burst)
		},
		"own waves": func(r *rand.Rand) []stats.Pair {
			level := func() func(int) float64 {
				x := r.NormFloat64()
				return func(int) float64 {
					x = 0.5*x + math.Sqrt(1-0.25)*r.NormFloat64()
					return 0.05 * math.Exp(x)
				}
			}
			return pairs(r, 64, 100, level(), level())
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			wrong := 0
			for range rounds {
				all := draw(r)
				var a, b stats.Count
				for _, p := range all {
					a, b = a.Plus(p.A), b.Plus(p.B)
				}
				if stats.Newcombe(a, b, alpha) > 0 && stats.Difference(all, 0) < alpha {
					wrong++
				}
			}
			// Three standard deviations above the rate.
			if most := alpha*rounds + 3*math.Sqrt(alpha*rounds); float64(wrong) > most {
				t.Errorf("%d of %d are wrong: %.2f%%", wrong, rounds, 100*float64(wrong)/rounds)
			}
		})
	}
}

// pairs draws n stretches with about size requests on each side. b is a, if it is nil.
func pairs(r *rand.Rand, n, size int, a, b func(int) float64) []stats.Pair {
	if b == nil {
		b = a
	}
	all := make([]stats.Pair, n)
	for i := range all {
		all[i] = stats.Pair{A: drawn(r, size, a(i)), B: drawn(r, size, b(i))}
	}
	return all
}

func drawn(r *rand.Rand, size int, share float64) stats.Count {
	c := stats.Count{Of: float64(size/2 + r.IntN(size))}
	for range int(c.Of) {
		if r.Float64() < share {
			c.Hits++
		}
	}
	return c
}

// TestOneBurstIsNoDifference shows a single burst of failures is not taken for a worse share,
// however many requests fail.
func TestOneBurstIsNoDifference(t *testing.T) {
	all := make([]stats.Pair, 30)
	for i := range all {
		all[i] = stats.Pair{A: stats.Count{Of: 100}, B: stats.Count{Of: 100}}
	}
	all[17].A.Hits = 100
	if p := stats.Difference(all, 0); p < 0.1 {
		t.Errorf("p is %v", p)
	}
	if p := stats.Share(all, 0); p < 0.1 {
		t.Errorf("p is %v", p)
	}
}

func TestRisingTrend(t *testing.T) {
	// From the tables of Mann and Kendall's test: ten values in order have S = 45, and a chance of
	// 1 in 10! = 2.8e-7; the approximation is on the safe side.
	rising := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if p := stats.RisingTrend(rising); p > 1e-4 || p < 2.8e-7 {
		t.Errorf("ten values in order: %v", p)
	}
	if p := stats.RisingTrend([]float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}); p < 0.999 {
		t.Errorf("ten falling values: %v", p)
	}
	if p := stats.RisingTrend(rising[:7]); p != 1 {
		t.Errorf("seven values: %v", p)
	}
}
