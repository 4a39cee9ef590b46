package chaos

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// Verdict is the judgement of an answer.
type Verdict int

// The verdicts.
const (
	Right    Verdict = iota
	Excused          // the Envoy was down, so no answer was possible
	Lost             // no answer, or an unexplained error or refusal
	Bypassed         // served without a filter, or in spite of its refusal
	Stale            // served by a content that should no longer run, or not yet
)

// String returns the verdict's name.
func (v Verdict) String() string {
	return [...]string{"right", "excused", "lost", "bypassed", "stale"}[v]
}

// Span is the time in which a content is allowed. A zero Until means no end.
type Span struct{ From, Until time.Time }

// meets reports whether the span and the time from begin to end overlap.
func (s Span) meets(begin, end time.Time) bool {
	return !s.From.After(end) && (s.Until.IsZero() || !s.Until.Before(begin))
}

// Expectation has the contents that one Envoy may show, with their times. An Expectation is
// immutable.
type Expectation struct {
	Down    []Span
	Allowed []map[Seen][]Span // by the filter's place in the chain
}

// Answer is the result of a request.
type Answer struct {
	Begin, End time.Time
	Token      bool // the request had the token
	Err        error
	Status     int
	Labels     []Seen // by the filter's place; "": the filter has put no stamp on the answer
	Body       string
}

// Judge returns the verdict on an answer, with the reason if the answer is wrong.
func (x *Expectation) Judge(a *Answer) (Verdict, string) {
	verdict, why := x.judge(a)
	if verdict != Right && x.down(a.Begin, a.End) {
		return Excused, ""
	}
	return verdict, why
}

func (x *Expectation) judge(a *Answer) (Verdict, string) {
	if a.Err != nil {
		return Lost, a.Err.Error()
	}
	filters := Filters()
	// The filters behind the refusing filter have not seen the request.
	reached, denier := len(filters), -1
	switch {
	case a.Status == http.StatusOK && a.Body == harness.Welcome:
	case a.Status == testfilter.ForbiddenStatus && a.Body == testfilter.ForbiddenBody:
		for i, f := range filters {
			if f.NeedsToken() {
				reached = i + 1
			}
		}
		if a.Token {
			return Lost, "refused in spite of its token"
		}
		if a.Labels[reached-1] == "" {
			return Lost, "a refusal without the filter's stamp"
		}
	case a.Status == http.StatusServiceUnavailable:
		for i, f := range filters {
			if strings.Contains(a.Body, `filter "`+string(f)+`"`) {
				reached, denier = i+1, i
			}
		}
	}
	if reached == len(filters) && a.Status != http.StatusOK && denier < 0 {
		return Lost, fmt.Sprintf("status %d, body %.80q", a.Status, a.Body)
	}
	for i := range reached {
		seen := a.Labels[i]
		switch {
		case i == denier:
			seen = Denied
		case seen == "":
			seen = Passed
		case filters[i].NeedsToken() && !a.Token && a.Status == http.StatusOK:
			return Bypassed, string(filters[i]) + " let a request without token pass"
		}
		if !x.allows(i, seen, a.Begin, a.End) {
			return wrong(seen), fmt.Sprintf("%s shows %s, allowed are %v", filters[i], seen, x.current(i, a.Begin, a.End))
		}
	}
	return Right, ""
}

// wrong returns the verdict on an answer with a content that is not allowed.
func wrong(seen Seen) Verdict {
	switch seen {
	case Passed:
		return Bypassed
	case Denied:
		return Lost
	default:
		return Stale
	}
}

func (x *Expectation) down(begin, end time.Time) bool {
	for _, s := range x.Down {
		if s.meets(begin, end) {
			return true
		}
	}
	return false
}

func (x *Expectation) allows(filter int, seen Seen, begin, end time.Time) bool {
	for _, s := range x.Allowed[filter][seen] {
		if s.meets(begin, end) {
			return true
		}
	}
	return false
}

// current returns the contents of a filter that are allowed in a time.
func (x *Expectation) current(filter int, begin, end time.Time) (all []Seen) {
	for seen := range x.Allowed[filter] {
		if x.allows(filter, seen, begin, end) {
			all = append(all, seen)
		}
	}
	return all
}

// Allow allows a content of a filter from a time on.
func (x *Expectation) Allow(filter int, seen Seen, from time.Time) *Expectation {
	next := x.clone(from)
	spans := next.Allowed[filter][seen]
	if n := len(spans); n > 0 && (spans[n-1].Until.IsZero() || !spans[n-1].Until.Before(from)) {
		spans[n-1].Until = time.Time{}
		return next
	}
	next.Allowed[filter][seen] = append(spans, Span{From: from})
	return next
}

// Only ends the spans of all other contents of a filter at a time.
func (x *Expectation) Only(filter int, seen Seen, until time.Time) *Expectation {
	next := x.clone(until)
	for other, spans := range next.Allowed[filter] {
		for i := range spans {
			if other != seen && spans[i].Until.IsZero() {
				spans[i].Until = until
			}
		}
	}
	return next
}

// forgotten is the time after which an ended span no longer matters: no request lasts longer.
const forgotten = time.Minute

// clone returns a copy without the spans that no longer matter.
func (x *Expectation) clone(now time.Time) *Expectation {
	old := func(s Span) bool { return !s.Until.IsZero() && now.Sub(s.Until) > forgotten }
	next := &Expectation{Allowed: make([]map[Seen][]Span, len(x.Allowed))}
	for _, s := range x.Down {
		if !old(s) {
			next.Down = append(next.Down, s)
		}
	}
	for i, allowed := range x.Allowed {
		next.Allowed[i] = map[Seen][]Span{}
		for seen, spans := range allowed {
			for _, s := range spans {
				if !old(s) {
					next.Allowed[i][seen] = append(next.Allowed[i][seen], s)
				}
			}
		}
	}
	return next
}

// GoDown notes that the Envoy is down from a time on.
func (x *Expectation) GoDown(from time.Time) *Expectation {
	next := x.clone(from)
	next.Down = append(next.Down, Span{From: from})
	return next
}

// ComeUp notes that the Envoy answers from a time on.
func (x *Expectation) ComeUp(until time.Time) *Expectation {
	next := x.clone(until)
	for i := range next.Down {
		if next.Down[i].Until.IsZero() {
			next.Down[i].Until = until
		}
	}
	return next
}

// NewExpectation returns an expectation that allows nothing.
func NewExpectation() *Expectation {
	x := &Expectation{}
	for range Filters() {
		x.Allowed = append(x.Allowed, map[Seen][]Span{})
	}
	return x
}
