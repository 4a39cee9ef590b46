package control

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// codeNothingToPromote is the code of the error of a promotion when no rollout is under way.
const codeNothingToPromote = "nothing_to_promote"

// Promote has a filter's rollout continue without the canaries that the rollout waits for.
// Promote returns once the change is on disk, or ctx ends.
func (c *Control) Promote(ctx context.Context, name string) (api.Filter, *api.Error) {
	return durably(ctx, c, func(context.Context) (api.Filter, *api.Error) { return c.promote(name) })
}

// durably runs a user's decision about a filter on the owner's goroutine, and waits until the
// change survives a crash.
func durably[T any](ctx context.Context, c *Control, run func(context.Context) (T, *api.Error)) (T, *api.Error) {
	var result T
	problem := stopping()
	var saved <-chan struct{}
	c.askIn(func(in context.Context) {
		if result, problem = run(in); problem == nil {
			saved = c.saves.state.Await(time.Now())
		}
	})
	if saved != nil {
		select {
		case <-saved:
		case <-c.done: // the last save has the change
		case <-ctx.Done():
		}
	}
	return result, problem
}

func (c *Control) promote(name string) (api.Filter, *api.Error) {
	none := api.Filter{Name: name}
	st, ok := c.machine.Status(name)
	r := st.Rollout
	switch {
	case !ok || st.Wanted == nil:
		return none, noFilter(name)
	case r == nil:
		e := &api.Error{
			Code: codeNothingToPromote, Message: fmt.Sprintf("filter %q has no rollout under way", name),
			Hint: fmt.Sprintf("`wasm-xds status %s` shows what it serves", name),
		}
		if st.Serving != nil {
			e.Message += fmt.Sprintf(": revision %s is everyone's", st.Serving.ID)
		}
		return none, e
	case r.Stopped != nil:
		return none, &api.Error{
			Code: r.Stopped.Code, Message: fmt.Sprintf("the rollout of revision %s has stopped: %s", r.Revision, r.Stopped.Message),
			Hint: fmt.Sprintf("correct what is wrong, or try the same again with `wasm-xds retry %s`", name),
		}
	}
	c.cfg.Logger.Info("a rollout is promoted: it goes on without the canaries that it waits for",
		zap.String("filter", name), zap.String("revision", r.Revision))
	c.step(delivery.Promoted{Name: name, Revision: r.Revision})
	f, _ := c.filter(name)
	return f, nil
}

func noFilter(name string) *api.Error {
	return &api.Error{Code: api.CodeNoFilter, Message: fmt.Sprintf("no filter is named %q", name)}
}

// rolloutStatus is the API's form of a filter's rollout; nil: no rollout is under way.
func rolloutStatus(st delivery.FilterStatus) *api.RolloutStatus {
	r := st.Rollout
	if r == nil || st.Wanted == nil || r.Stopped == nil && st.Candidate == nil && len(r.Waits) == 0 {
		return nil
	}
	out := &api.RolloutStatus{Revision: r.Revision, State: api.RolloutProgressing, Promoted: r.Promoted, WaitsFor: []api.RolloutWait{}}
	for _, w := range r.Waits {
		out.State = api.RolloutWaiting
		out.WaitsFor = append(out.WaitsFor, api.RolloutWait{
			Node: w.Node, Envoy: w.Envoy, Reason: string(w.Reason), Message: waitText(w, st.Wanted.Canary),
			Since: w.Since, Until: w.Until,
		})
	}
	if r.Stopped != nil {
		out.State = api.RolloutStopped
	}
	return out
}

// waitText is "edge-1 (Envoy 1.40.0) loads it, and has not answered yet; it is waited for until
// 12:00:30".
func waitText(w rollout.Wait, canary spec.Canary) string {
	if w.Reason == rollout.WaitMatch {
		text := "none is connected that `rollout.canary` names"
		if canary.Selector != nil {
			text = fmt.Sprintf("no Envoy is connected that `rollout.canary` names (%s)", selectorText(*canary.Selector))
		}
		return text + "; it waits until one is, the spec is edited, or `wasm-xds rollout promote` goes on"
	}
	text := w.Node
	if text == "" {
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
	if r == nil || r.Stopped != nil || st.Candidate == nil && len(r.Waits) == 0 {
		return ""
	}
	runs := map[envoyKey]bool{} // on all streams of the Envoy
	for _, s := range st.Subscribers {
		if s.State == delivery.Gone {
			continue
		}
		before, known := runs[keyOf(s.Node)]
		runs[keyOf(s.Node)] = s.Revision == r.Revision && s.State == delivery.Live && (before || !known)
	}
	live := 0
	for _, is := range runs {
		if is {
			live++
		}
	}
	text := fmt.Sprintf("revision %s runs on %d of %d", r.Revision, live, len(runs))
	if len(r.Waits) == 0 {
		return text
	}
	var words []string
	for _, w := range r.Waits[:min(len(r.Waits), waitsShown)] {
		words = append(words, waitText(w, st.Wanted.Canary))
	}
	if more := len(r.Waits) - waitsShown; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return text + ", and waits: " + strings.Join(words, ", ")
}

// logRollout logs that a rollout waits, has stopped or continues.
func (c *Control) logRollout(a delivery.RolloutChanged) {
	fields := []zap.Field{zap.String("filter", a.Name), zap.String("revision", a.Rollout.Revision)}
	canary := spec.Canary{}
	if w := c.snapshot.Get(a.Name); w != nil {
		canary = w.Canary
	}
	switch stopped := a.Rollout.Stopped; {
	case stopped != nil:
		c.cfg.Logger.Warn("a rollout has stopped", append(fields, zap.String("code", stopped.Code), zap.String("reason", stopped.Message), zap.String("hint", stopped.Hint))...)
	case len(a.Rollout.Waits) > 0:
		var waits []string
		for _, w := range a.Rollout.Waits {
			waits = append(waits, waitText(w, canary))
		}
		c.cfg.Logger.Warn("a rollout waits", append(fields, zap.Strings("for", waits))...)
	default:
		c.cfg.Logger.Info("a rollout waits no more", fields...)
	}
}
