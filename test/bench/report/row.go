package report

import (
	"math"
	"slices"
)

// Row is a figure with its reference.
type Row struct {
	Figure string `json:"figure"`
	Unit   Unit   `json:"unit"`
	// Ours and Reference are medians of the same number of runs. Reference is 0 if none exists.
	Ours      float64 `json:"ours"`
	Reference float64 `json:"reference,omitempty"`
	Runs      int     `json:"runs"`
}

// NewRow returns the row of these samples, one per run. Without a reference the row has no ratio.
func NewRow(figure string, unit Unit, ours, reference []float64) Row {
	r := Row{Figure: figure, Unit: unit, Ours: Median(ours), Runs: len(ours)}
	if len(reference) > 0 {
		r.Reference = Median(reference)
	}
	return r
}

// Ratio returns ours divided by the reference, or NaN without a reference.
func (r Row) Ratio() float64 {
	if r.Reference == 0 {
		return math.NaN()
	}
	return r.Ours / r.Reference
}

// Median returns the middle sample, or the mean of the two middle samples. Without samples Median
// returns NaN.
func Median(samples []float64) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(samples))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
