// Package report turns measurements into the tables of docs/benchmarks.md: each
// figure beside its reference from the same run, as a ratio of medians.
//
// A benchmark fills a [Section] and hands it to [Update], which replaces that
// section alone, between its markers, and leaves the rest of the page as it is.
package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Unit says how a figure is written; figures are in its base: seconds, bytes or counts.
type Unit int

// The units.
const (
	Count Unit = iota
	Seconds
	Bytes
)

// Row is one figure with its reference. Ours and Reference hold one sample a run;
// no Reference: there is none, and no ratio.
type Row struct {
	Figure          string
	Unit            Unit
	Ours, Reference []float64
	Goal            string // such as "≤ 1.05"; "": none
}

// Section is one benchmark's part of the page.
type Section struct {
	Name      string // of its markers, and of the benchmark: fanout
	Title     string
	Reference string   // what stands beside: the column's heading
	Before    []string // paragraphs before the tables
	Tables    []Table
	After     []string // paragraphs after them: where the rest goes, what is odd
}

// Table is rows under a heading.
type Table struct {
	Title     string
	Reference string // what stands beside in this table; "": the section's
	Rows      []Row
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

// Ratio is the median of ours over the median of the reference; NaN without one.
func (r Row) Ratio() float64 { return Median(r.Ours) / Median(r.Reference) }

// Interleave calls each of the runs in turn, and that n times, so that what else
// the machine does meets all of them. It stops at the first error.
func Interleave(n int, runs ...func() error) error {
	for i := range n {
		for j := range runs {
			// Who begins changes with each round.
			if err := runs[(i+j)%len(runs)](); err != nil {
				return err
			}
		}
	}
	return nil
}

// Markdown is the section as the page has it, without its markers.
func (s Section) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n", s.Title)
	paragraphs(&b, s.Before)
	for _, t := range s.Tables {
		if t.Title != "" {
			fmt.Fprintf(&b, "\n### %s\n", t.Title)
		}
		t.markdown(&b, cmp.Or(t.Reference, s.Reference))
	}
	paragraphs(&b, s.After)
	return b.String()
}

func paragraphs(b *strings.Builder, all []string) {
	for _, p := range all {
		fmt.Fprintf(b, "\n%s\n", p)
	}
}

func (t Table) markdown(b *strings.Builder, reference string) {
	goals := slices.ContainsFunc(t.Rows, func(r Row) bool { return r.Goal != "" })
	heading, line := "| figure | wasm-xds | "+reference+" | ratio | runs |", "|---|---:|---:|---:|---:|"
	if goals {
		heading, line = heading+" goal |", line+"---|"
	}
	fmt.Fprintf(b, "\n%s\n%s\n", heading, line)
	for _, r := range t.Rows {
		ref, ratio := "–", "–"
		if len(r.Reference) > 0 {
			ref = r.Unit.Format(Median(r.Reference))
			ratio = fmt.Sprintf("**%.2f**", r.Ratio())
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %d |", r.Figure, r.Unit.Format(Median(r.Ours)), ref, ratio, len(r.Ours))
		if goals {
			fmt.Fprintf(b, " %s |", r.Goal)
		}
		b.WriteString("\n")
	}
}

// Format writes a figure with three digits and the fitting prefix.
func (u Unit) Format(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case u == Seconds:
		return scaled(v, 1000, []string{"ns", "µs", "ms", "s"}, 1e-9)
	case u == Bytes:
		return scaled(v, 1024, []string{"B", "KiB", "MiB", "GiB"}, 1)
	default:
		return digits(v)
	}
}

func scaled(v, step float64, units []string, base float64) string {
	v /= base
	i := 0
	for ; i < len(units)-1 && math.Abs(v) >= step; i++ {
		v /= step
	}
	return digits(v) + " " + units[i]
}

func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || a == math.Trunc(a):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
