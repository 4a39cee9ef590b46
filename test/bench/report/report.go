// Package report turns measurements into docs/benchmarks.md: each figure beside its
// reference from the same run, as a ratio of medians, and a table of those with goals
// before all others.
//
// A benchmark hands over what it has [Measured]. That is kept in docs/benchmarks.json,
// and the page is rendered from nothing else: what the benchmarks say of their figures
// is [Text], which can change without measuring anew.
package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Row is one figure with its reference.
type Row struct {
	Figure string `json:"figure"`
	Unit   Unit   `json:"unit"`
	// Ours and Reference are medians, of as many runs each. Reference is 0 where there is none.
	Ours      float64 `json:"ours"`
	Reference float64 `json:"reference,omitempty"`
	Runs      int     `json:"runs"`
}

// NewRow is the row of these samples, one a run; without a reference there is no ratio.
func NewRow(figure string, unit Unit, ours, reference []float64) Row {
	r := Row{Figure: figure, Unit: unit, Ours: Median(ours), Runs: len(ours)}
	if len(reference) > 0 {
		r.Reference = Median(reference)
	}
	return r
}

// Ratio is ours over the reference; NaN without one.
func (r Row) Ratio() float64 {
	if r.Reference == 0 {
		return math.NaN()
	}
	return r.Ours / r.Reference
}

// Table is rows under a heading.
type Table struct {
	Title     string `json:"title,omitempty"`
	Reference string `json:"reference,omitempty"` // what stands beside in this table; "": the section's
	Rows      []Row  `json:"rows"`
}

// Facts are what a text says of a run that another run may do otherwise: how long it
// took, which version of something stood beside.
type Facts map[string]string

// Measured is what one run of a benchmark has found.
type Measured struct {
	Origin
	Note   string  `json:"note,omitempty"` // what else is to be said of this run
	Facts  Facts   `json:"facts,omitempty"`
	Tables []Table `json:"tables"`
}

// Origin is where figures are from.
type Origin struct {
	Machine string `json:"machine"`
	Commit  string `json:"commit"`
	Date    string `json:"date"` // such as 2006-01-02
}

// Text is what a benchmark says of its figures.
type Text struct {
	Title     string
	Reference string     // what stands beside: the column's heading
	Before    []string   // paragraphs before the tables
	After     []string   // paragraphs after them: where the rest goes, what is odd
	Headlines []Headline // the section's rows in the summary
}

// Section is one benchmark's part of the page.
type Section struct {
	Text
	Measured
}

// Headline is a row of the summary, or several: one figure in all its cases.
type Headline struct {
	What    string   // "": the figure's own name
	Figures []string // the beginnings of their names
	Goal    Goal
}

func (h Headline) has(figure string) bool {
	return slices.ContainsFunc(h.Figures, func(begin string) bool { return strings.HasPrefix(figure, begin) })
}

// goal is what is wanted of a figure.
func (t Text) goal(figure string) Goal {
	for _, h := range t.Headlines {
		if h.has(figure) {
			return h.Goal
		}
	}
	return Goal{}
}

// Median is the middle sample, or the mean of the two in the middle; NaN of none.
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

// Interleave calls each of the runs once, in any order, and that n times: what else the machine
// does meets all of them, and what one leaves behind no other more often than the next. The
// orders are the same each time. It stops at the first error.
func Interleave(n int, runs ...func() error) error {
	order := rand.New(rand.NewPCG(1, 1))
	for range n {
		for _, i := range order.Perm(len(runs)) {
			if err := runs[i](); err != nil {
				return err
			}
		}
	}
	return nil
}
