// Package report turns measurements into docs/benchmarks.md. Each figure stands beside its
// reference from the same run, as a ratio of medians. A table of the figures with goals comes
// first.
//
// A benchmark returns [Measured], which is kept in docs/benchmarks.json. The page is rendered
// from the kept results and from [Text], the benchmark's texts about its figures. A text can
// change without a new measurement.
package report

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// Table is a number of rows under a heading.
type Table struct {
	Title     string `json:"title,omitempty"`
	Reference string `json:"reference,omitempty"` // the table's reference; "": the section's
	Rows      []Row  `json:"rows"`
}

// Facts are the properties of a run that may differ in another run, for example the duration or
// the version of the reference. Texts refer to the facts.
type Facts map[string]string

// Measured is the result of one run of a benchmark.
type Measured struct {
	Origin
	Note   string  `json:"note,omitempty"` // a remark on the run
	Facts  Facts   `json:"facts,omitempty"`
	Tables []Table `json:"tables"`
}

// Origin is where and when the figures were measured.
type Origin struct {
	Machine string `json:"machine"`
	Commit  string `json:"commit"`
	Date    string `json:"date"` // for example 2006-01-02
}

// Text is a benchmark's text about its figures.
type Text struct {
	Title     string
	Reference string     // name of the reference: the column's heading
	Before    []string   // paragraphs before the tables
	After     []string   // paragraphs after the tables: explanations
	Headlines []Headline // the section's rows in the summary
}

// Section is a benchmark's part of the page.
type Section struct {
	Text
	Measured
}

// Headline is a row of the summary, or several rows: one figure in all its cases.
type Headline struct {
	What    string   // "": the figure's own name
	Figures []string // prefixes of the figures' names
	Goal    Goal
}

func (h Headline) has(figure string) bool {
	return slices.ContainsFunc(h.Figures, func(begin string) bool { return strings.HasPrefix(figure, begin) })
}

// goal returns the goal of a figure.
func (t Text) goal(figure string) Goal {
	for _, h := range t.Headlines {
		if h.has(figure) {
			return h.Goal
		}
	}
	return Goal{}
}

// Interleave runs n rounds. Each round calls every run once, in a random order. Disturbances by
// the machine therefore affect all runs alike, and so do the after-effects of a run. The orders
// are the same each time. Interleave stops at the first error.
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
