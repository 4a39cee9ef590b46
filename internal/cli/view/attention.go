package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
)

// attention is how soon a filter needs a look.
type attention int

// The filters of a list are in this order.
const (
	failing attention = iota
	waiting
	progressing
	settled
	numAttentions
)

// words are the words of a summary.
func (a attention) words() string {
	return [...]string{"failing", "waiting", "progressing", "settled"}[a]
}

// attentionOf returns how soon a filter needs a look.
func attentionOf(f *api.Filter) attention {
	r := f.RolloutStatus
	switch {
	case f.Condition == api.ConditionFailing || f.Failure() != nil:
		return failing
	case r != nil && (r.State == api.RolloutStopped || r.Overdue || isHealth(r, api.HealthBad)):
		return failing
	case r != nil && r.State != api.RolloutWatching && (r.Paused != nil || r.Frozen != nil || len(r.WaitsFor) > 0 || isHealth(r, api.HealthNoEvidence) || isHealth(r, api.HealthSourceLost)):
		return waiting
	case f.Condition == api.ConditionProgressing || r != nil:
		return progressing
	default:
		return settled
	}
}

func isHealth(r *api.RolloutStatus, outcome api.HealthOutcome) bool {
	return r.Health != nil && r.Health.Outcome == outcome
}

// byAttention returns the filters that need a look first, and then the others, each by name.
func byAttention(filters []api.Filter) []api.Filter {
	sorted := slices.Clone(filters)
	slices.SortStableFunc(sorted, func(a, b api.Filter) int {
		return cmp.Or(cmp.Compare(attentionOf(&a), attentionOf(&b)), cmp.Compare(a.Name, b.Name))
	})
	return sorted
}

// Summary is "12 filters: 1 failing, 2 progressing, 9 settled".
func Summary(filters []api.Filter) string {
	var counts [numAttentions]int
	for i := range filters {
		counts[attentionOf(&filters[i])]++
	}
	var words []string
	for a, n := range counts {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, attention(a).words()))
		}
	}
	text := display.Plural(len(filters), "filter")
	if len(words) > 0 {
		text += ": " + strings.Join(words, ", ")
	}
	return text
}

// progress is "10%, wave 2 of 3: 2/4, soaks for 20s"; "": no rollout is under way.
func progress(f *api.Filter, now time.Time) string {
	r := f.RolloutStatus
	if r == nil || r.State == api.RolloutStopped {
		return ""
	}
	if r.State == api.RolloutWatching {
		return "watched for " + Left(r.WatchUntil, now)
	}
	var words []string
	if wave := waveOf(r); wave != nil {
		text := fmt.Sprintf("%s %d/%d", waveName(wave), wave.Live, wave.Envoys)
		if n := len(r.Waves); n > 1 {
			text = fmt.Sprintf("wave %d of %d: %s", r.Wave+1, n, text)
		}
		words = append(words, text)
		if wave.State == api.WaveSoaking && !wave.SoakUntil.IsZero() {
			words = append(words, "soaks for "+Left(wave.SoakUntil, now))
		}
	}
	switch {
	case r.Frozen != nil:
		words = append(words, "frozen")
	case r.Paused != nil:
		words = append(words, "paused")
	case r.Overdue:
		words = append(words, "overdue")
	case isHealth(r, api.HealthNoEvidence):
		words = append(words, "not enough evidence")
	case isHealth(r, api.HealthSourceLost):
		words = append(words, "no figures")
	}
	return strings.Join(words, ", ")
}

// waveOf is the wave under way; nil: none is.
func waveOf(r *api.RolloutStatus) *api.RolloutWave {
	if r.Wave < 0 || r.Wave >= len(r.Waves) {
		return nil
	}
	return &r.Waves[r.Wave]
}

// waveName is canary, 10%, all, or "first 5" for a number of Envoys.
func waveName(wave *api.RolloutWave) string {
	if strings.Trim(wave.Name, "0123456789") == "" {
		return "first " + wave.Name
	}
	return wave.Name
}

// Left is the time until t, in its largest unit, and at least a second.
func Left(t, now time.Time) string { return display.Span(max(t.Sub(now), time.Second)) }

// ago is the time since t, in its largest unit.
func ago(t, now time.Time) string { return display.Span(max(now.Sub(t), 0)) }
