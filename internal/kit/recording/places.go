package recording

import (
	"maps"
	"slices"
	"strings"
)

// placed is a chunk of a body, and the number of headers before it.
type placed struct {
	text    string
	headers int
}

// run is a number of equal chunks, one right after another.
type run struct {
	text string
	n    int
	// early means the chunks came before the headers of the other side of the filter, so
	// all of them are of the first side.
	early bool
}

// requestBodies returns the body before and after the filter. The chunks of a request come to the
// tap before the filter first, and a last chunk comes to the taps after the filter last. ok is
// false if the chunks allow several answers.
func requestBodies(chunks []placed) (before, after string, ok bool) {
	return split(runs(chunks, 1), func(at, of int, early bool, singles, pairs int) bool {
		return (at > 0 || singles > 0) && (at < of-1 || pairs > 0) && !(early && pairs > 0)
	})
}

// responseBodies returns the body before and after the filter: from the upstream, and to the
// client.
func responseBodies(chunks []placed) (upstream, client string, ok bool) {
	client, upstream, ok = split(runs(chunks, 2), func(at, of int, early bool, singles, pairs int) bool {
		return (at > 0 || pairs > 0) && (at < of-1 || singles > 0) && !(early && singles > 0)
	})
	return upstream, client, ok
}

// runs are the runs of chunks. Chunks with at most a number of headers before them are early.
func runs(chunks []placed, early int) (all []run) {
	for _, c := range chunks {
		one := run{c.text, 1, c.headers <= early}
		if last := len(all) - 1; last >= 0 && all[last].text == one.text && all[last].early == one.early {
			all[last].n++
			continue
		}
		all = append(all, one)
	}
	return all
}

// split finds the chunks of the single tap, and of the two taps, which write each chunk twice. The
// place of a chunk within its run does not matter. fits says whether a number of singles and pairs
// is possible for a run.
//
// Two equal chunks are a pair where that is possible: a body seldom has the same chunk twice, one
// right after the other. ok is false where a body has, and the chunks allow several answers.
func split(all []run, fits func(at, of int, early bool, singles, pairs int) bool) (single, double string, ok bool) {
	if text, passed := unmodified(all); passed {
		return text, text, true
	}
	type answer struct{ single, double string }
	answers := []answer{{}}
	for at, r := range all {
		next := map[answer]bool{}
		for pairs := r.n / 2; pairs >= 0; pairs-- {
			singles := r.n - 2*pairs
			if !fits(at, len(all), r.early, singles, pairs) {
				continue
			}
			for _, a := range answers {
				next[answer{a.single + strings.Repeat(r.text, singles), a.double + strings.Repeat(r.text, pairs)}] = true
			}
			if r.n <= 3 && r.text != "" {
				break
			}
		}
		if answers = slices.Collect(maps.Keys(next)); len(answers) > mostAnswers {
			return "", "", false
		}
	}
	if len(answers) != 1 {
		return "", "", false
	}
	return answers[0].single, answers[0].double, true
}

// mostAnswers bounds the search for another answer.
const mostAnswers = 256

// unmodified returns the body of a filter that passes each chunk at once.
func unmodified(all []run) (text string, ok bool) {
	for _, r := range all {
		if r.n%3 != 0 || r.early {
			return "", false
		}
		text += strings.Repeat(r.text, r.n/3)
	}
	return text, true
}

// joined joins chunks.
func joined(chunks []placed) (text string) {
	for _, c := range chunks {
		text += c.text
	}
	return text
}
