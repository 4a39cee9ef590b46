package chaos

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

const (
	oldLabel Seen = "m1/c1"
	newLabel Seen = "m2/c2"
)

// at is a moment of the tests, in seconds.
func at(seconds int) time.Time { return time.Unix(1000+int64(seconds), 0) }

// changing returns the expectation of an Envoy. Its auth filter may change from 10 s on and has
// changed from 20 s on, and the Envoy is down from 30 s to 40 s.
func changing() *Expectation {
	x := NewExpectation()
	for i := range Filters() {
		x = x.Allow(i, oldLabel, at(0))
	}
	x = x.Allow(1, newLabel, at(10))
	x = x.Only(1, newLabel, at(20))
	return x.GoDown(at(30)).ComeUp(at(40))
}

func served(labels ...Seen) Answer {
	return Answer{Token: true, Status: http.StatusOK, Body: harness.Welcome, Labels: labels}
}

func TestJudge(t *testing.T) {
	forbidden := Answer{Status: testfilter.ForbiddenStatus, Body: testfilter.ForbiddenBody, Labels: []Seen{oldLabel, oldLabel, ""}}
	deniedBy := func(name string, labels ...Seen) Answer {
		return Answer{Token: true, Status: http.StatusServiceUnavailable, Body: `wasm-xds: filter "` + name + `" …`, Labels: labels}
	}
	withToken, past := forbidden, served(oldLabel, oldLabel, oldLabel)
	withToken.Token, past.Token = true, false
	for _, tc := range []struct {
		name       string
		begin, end int
		answer     Answer
		want       Verdict
	}{
		{"as it was", 1, 2, served(oldLabel, oldLabel, oldLabel), Right},
		{"too early", 1, 2, served(oldLabel, newLabel, oldLabel), Stale},
		{"while it changes, the old", 12, 13, served(oldLabel, oldLabel, oldLabel), Right},
		{"while it changes, the new", 12, 13, served(oldLabel, newLabel, oldLabel), Right},
		{"a request that was long under way", 19, 25, served(oldLabel, oldLabel, oldLabel), Right},
		{"too late", 21, 22, served(oldLabel, oldLabel, oldLabel), Stale},
		{"without the filter", 1, 2, served(oldLabel, "", oldLabel), Bypassed},
		{"another filter is missing", 1, 2, served("", oldLabel, oldLabel), Bypassed},
		{"refused for want of a token", 1, 2, forbidden, Right},
		{"refused by an old one", 21, 22, forbidden, Stale},
		{"refused in spite of a token", 1, 2, withToken, Lost},
		{"past the refusal", 1, 2, past, Bypassed},
		{"denied", 1, 2, deniedBy("auth", oldLabel, "", ""), Lost},
		{"denied, and by another", 1, 2, deniedBy("mark", "", "", ""), Lost},
		{"an error of Envoy", 1, 2, Answer{Status: 500, Labels: []Seen{"", "", ""}}, Lost},
		{"no answer", 1, 2, Answer{Err: errors.New("reset")}, Lost},
		{"no answer while the Envoy was down", 29, 31, Answer{Err: errors.New("reset")}, Excused},
		{"no answer when it was up again", 41, 42, Answer{Err: errors.New("reset")}, Lost},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.answer.Begin, tc.answer.End = at(tc.begin), at(tc.end)
			if got, why := changing().Judge(&tc.answer); got != tc.want {
				t.Errorf("judged %s (%s), want %s", got, why, tc.want)
			}
		})
	}
}

// A stand-in is right if the world wants it.
func TestJudgeStandIns(t *testing.T) {
	x := NewExpectation()
	x = x.Allow(0, oldLabel, at(0)).Allow(1, Denied, at(0)).Allow(2, oldLabel, at(0))
	denied := Answer{Begin: at(1), End: at(2), Status: http.StatusServiceUnavailable, Body: `filter "auth"`, Labels: []Seen{oldLabel, "", ""}}
	if got, why := x.Judge(&denied); got != Right {
		t.Errorf("the deny that is due is %s: %s", got, why)
	}
	x = NewExpectation()
	x = x.Allow(0, Passed, at(0)).Allow(1, Passed, at(0)).Allow(2, Passed, at(0))
	passed := Answer{Begin: at(1), End: at(2), Status: http.StatusOK, Body: harness.Welcome, Labels: []Seen{"", "", ""}}
	if got, why := x.Judge(&passed); got != Right {
		t.Errorf("the pass-through that is due is %s: %s", got, why)
	}
}

// An expectation drops old spans, so a run of hours does not need more and more memory.
func TestExpectationForgets(t *testing.T) {
	x := NewExpectation()
	for i := range 1000 {
		x = x.Allow(0, Seen(rune('a'+i%26)), at(100*i)).Only(0, "z", at(100*i+1))
		x = x.GoDown(at(100 * i)).ComeUp(at(100*i + 1))
	}
	if n := len(x.Allowed[0]); n > 5 {
		t.Errorf("%d contents are remembered", n)
	}
	if len(x.Down) > 5 {
		t.Errorf("%d times of being down are remembered", len(x.Down))
	}
}
