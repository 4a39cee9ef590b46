package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/fleet"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// rolloutStatus is the API's form of a filter's rollout; nil: no rollout is under way.
func rolloutStatus(st delivery.FilterStatus) *api.RolloutStatus {
	r := st.Rollout
	if r == nil || st.Wanted == nil || r.Stopped == nil && st.Candidate == nil && len(r.Waits) == 0 && r.WatchUntil.IsZero() {
		return nil
	}
	out := &api.RolloutStatus{
		Revision: r.Revision, State: api.RolloutProgressing, Promoted: r.Promoted, WaitsFor: []api.RolloutWait{},
		Wave: r.Wave, Waves: []api.RolloutWave{}, Paused: hold(r.Paused), Frozen: hold(r.Freeze), Deadline: r.Deadline,
		Overdue: r.Overdue, WatchUntil: r.WatchUntil, Health: healthOf(r),
	}
	for i, w := range r.Waves {
		out.Waves = append(out.Waves, api.RolloutWave{
			Name: w.Name, Envoys: w.Envoys, Live: min(r.Live, w.Envoys), State: api.WaveState(w.State),
			Since: w.Since, SoakUntil: w.SoakUntil, PassedAt: w.PassedAt,
		})
		if i == r.Wave && w.State == rollout.WaveSoaks {
			out.State = api.RolloutSoaking
		}
	}
	for _, w := range r.Waits {
		out.State = api.RolloutWaiting
		out.WaitsFor = append(out.WaitsFor, api.RolloutWait{
			Node: w.Node, Envoy: w.Envoy, Reason: string(w.Reason), Message: WaitText(w, st.Wanted.Canary),
			Since: w.Since, Until: w.Until,
		})
	}
	switch {
	case r.Stopped != nil:
		out.State, out.Paused, out.Frozen = api.RolloutStopped, nil, nil // nothing is left to hold
	case r.Freeze != nil:
		out.State = api.RolloutFrozen
	case r.Paused != nil:
		out.State = api.RolloutPaused
	case r.WaitsForUser:
		out.State = api.RolloutPaused
		out.Paused = &api.RolloutHold{By: "spec", At: r.Waves[r.Wave].Since, Reason: "`pause: true` in the spec"}
	case !r.WatchUntil.IsZero():
		out.State = api.RolloutWatching
	}
	return out
}

// hold is the API's form of a pause or a freeze; nil: there is none.
func hold(h *rollout.Hold) *api.RolloutHold {
	if h == nil {
		return nil
	}
	return &api.RolloutHold{By: h.By, At: h.At, Reason: h.Reason}
}

// healthOf is the last look at the health of a rollout's revision; nil: the spec asks for none.
func healthOf(r *delivery.Rollout) *api.RolloutHealth {
	if !r.HasHealth {
		return nil
	}
	return &api.RolloutHealth{
		Outcome: api.HealthOutcome(r.Look.Outcome.String()), Message: r.Look.Reason, At: r.Look.At,
		Comparisons: []api.HealthComparison{},
	}
}

// WaitText is "edge-1 (Envoy 1.40.0) loads it, and has not answered yet; it is waited for until
// 12:00:30".
func WaitText(w rollout.Wait, canary spec.Canary) string {
	if w.Reason == rollout.WaitMatch {
		text := "none is connected that `rollout.canary` names"
		if canary.Selector != nil {
			text = fmt.Sprintf("no Envoy is connected that `rollout.canary` names (%s)", selectorText(*canary.Selector))
		}
		return text + "; it waits until one is, the spec is edited, or `wasm-xds rollout promote` goes on"
	}
	text := w.Node
	switch {
	case w.Reason == rollout.WaitFleet, w.Reason == rollout.WaitHealth, w.Reason == rollout.WaitSource, w.Reason == rollout.WaitLook:
		return w.Reason.Words()
	case text == "":
		text = "an Envoy without a node id"
	}
	if w.Envoy != "" {
		text += fmt.Sprintf(" (Envoy %s)", w.Envoy)
	}
	text += " " + w.Reason.Words()
	if !w.Until.IsZero() {
		text += "; it is waited for until " + w.Until.Local().Format(time.TimeOnly)
	}
	return text
}

// selectorText is "ids edge-1, edge-2; metadata env=prod".
func selectorText(s spec.NodeSelector) string {
	var words []string
	if len(s.IDs) > 0 {
		words = append(words, "ids "+strings.Join(s.IDs, ", "))
	}
	if len(s.Clusters) > 0 {
		words = append(words, "clusters "+strings.Join(s.Clusters, ", "))
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(s.Metadata)) {
		pairs = append(pairs, key+"="+s.Metadata[key])
	}
	if len(pairs) > 0 {
		words = append(words, "metadata "+strings.Join(pairs, ", "))
	}
	return strings.Join(words, "; ")
}

// waitsShown is how many Envoys the line for people names.
const waitsShown = 3

// rolloutLine describes the rollout's progress, for people.
func rolloutLine(st delivery.FilterStatus) string {
	r := st.Rollout
	if r == nil || r.Stopped != nil || st.Candidate == nil && len(r.Waits) == 0 && r.WatchUntil.IsZero() {
		return ""
	}
	runs := map[fleet.Key]bool{} // on all streams of the Envoy
	for _, s := range st.Subscribers {
		if s.State == delivery.Gone {
			continue
		}
		before, known := runs[fleet.KeyOf(s.Node)]
		runs[fleet.KeyOf(s.Node)] = s.Revision == r.Revision && s.State == delivery.Live && (before || !known)
	}
	live := 0
	for _, is := range runs {
		if is {
			live++
		}
	}
	text := fmt.Sprintf("revision %s runs on %d of %d", r.Revision, live, len(runs))
	text += waveText(r)
	if len(r.Waits) == 0 {
		return text
	}
	var words []string
	for _, w := range r.Waits[:min(len(r.Waits), waitsShown)] {
		words = append(words, WaitText(w, st.Wanted.Canary))
	}
	if more := len(r.Waits) - waitsShown; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return text + ", and waits: " + strings.Join(words, ", ")
}

// waveText is ", wave 10% soaks until 12:00:30", and other holds of the rollout.
func waveText(r *delivery.Rollout) (text string) {
	clock := func(t time.Time) string { return t.Local().Format(time.TimeOnly) }
	if len(r.Waves) > 2 || len(r.Waves) > 0 && !r.Waves[r.Wave].SoakUntil.IsZero() {
		text = ", wave " + r.Waves[r.Wave].Name
		if until := r.Waves[r.Wave].SoakUntil; !until.IsZero() {
			text += " soaks until " + clock(until)
		}
	}
	switch {
	case r.Freeze != nil:
		text += ", frozen" + byWhom(r.Freeze)
	case r.Paused != nil:
		text += ", paused" + byWhom(r.Paused)
	case r.WaitsForUser:
		text += ", paused by the spec: `wasm-xds rollout promote` goes on"
	case !r.WatchUntil.IsZero():
		text += ", watched until " + clock(r.WatchUntil)
	}
	if r.Overdue {
		text += ", overdue"
	}
	return text
}

// byWhom is " by ann: the reason".
func byWhom(h *rollout.Hold) (text string) {
	if h.By != "" {
		text = " by " + h.By
	}
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text
}
